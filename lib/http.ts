/** The public names of `zerocopy/http`, and nothing else. */
export { accelerate, ZeroCopyResponse } from './http/accelerate';
export type { AccelerateOptions } from './http/accelerate';
export { serveFiles } from './http/serve-files';
export type { FileHandler, Next } from './http/serve-files';
export type { Encoding } from './http/encodings';
export type { ServeFilesOptions } from './http/options';
export { transfers } from './http/transfers';
export type { ServingFallback, Transfers } from './http/transfers';
