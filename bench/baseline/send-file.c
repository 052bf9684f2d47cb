// send-file FOLDER: what the kernel asks for a file over HTTP, and nothing more. Prints its port, then serves the files
// of FOLDER by sendfile(2) to one connection after the other, each kept alive.
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// False when the client has left. A request comes in one piece, and is a GET of a file that is there.
static int answer(int client, int folder) {
  char text[4096], name[256];
  ssize_t length = recv(client, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = '\0';
  if (sscanf(text, "GET /%255s ", name) != 1) return 0;
  int file = openat(folder, name, O_RDONLY);
  struct stat facts;
  if (file < 0 || fstat(file, &facts) != 0) return 0;
  int head = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)facts.st_size);
  int alive = send(client, text, (size_t)head, MSG_MORE | MSG_NOSIGNAL) == head;
  for (off_t sent = 0; alive && sent < facts.st_size;) {
    alive = sendfile(client, file, &sent, (size_t)(facts.st_size - sent)) > 0;
  }
  close(file);
  return alive;
}

int main(int count, char **args) {
  if (count != 2) return 2;
  int folder = open(args[1], O_RDONLY | O_DIRECTORY);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (folder < 0 || server < 0 || bind(server, (struct sockaddr *)&address, size) != 0) return 1;
  if (listen(server, 128) != 0 || getsockname(server, (struct sockaddr *)&address, &size) != 0) return 1;
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int client = accept(server, NULL, NULL);
    if (client < 0) return 1;
    while (answer(client, folder)) {
    }
    close(client);
  }
}
