/**
 * A certificate for localhost, signed by itself and valid for a hundred years, and its key: for servers of tests, which
 * everybody may know. Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500
 * -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1`.
 */
export const localhost = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUbKo6p9oVx7IPEkcLWrE3H5GGbNkwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEzMzQyMFoYDzIxMjYxMDI4
MTMzNDIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARTotDCcPIOB2ShtAaktNipcQ1TVhU2nSu0j7bYn9JRgDm/4sdZVZZh
ig7ysyZC5RLGamqBkLp/fjfZ77m2R93po28wbTAdBgNVHQ4EFgQUbw0qaYfTtMwF
teQoucDDNGFyk7YwHwYDVR0jBBgwFoAUbw0qaYfTtMwFteQoucDDNGFyk7YwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAKoXIO0Oet1ZwsrvCvvGFnJmkBtmpvhSWmqshx1ouHhmAiBm
ECoLI9SKbLww7qBNhgpF1J0+tNNXsYvF9dEo44zjWg==
-----END CERTIFICATE-----`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8wcqkXgpmqyEyo+i
boGGUARkdBIv2an+K9RULL2rSZqhRANCAARTotDCcPIOB2ShtAaktNipcQ1TVhU2
nSu0j7bYn9JRgDm/4sdZVZZhig7ysyZC5RLGamqBkLp/fjfZ77m2R93p
-----END PRIVATE KEY-----`,
};
