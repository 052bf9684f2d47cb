/** The public names of `zerocopy/http`, and nothing else. */
export { accelerate, ZeroCopyResponse } from './http/accelerate';
export type { AccelerateOptions } from './http/accelerate';
export { transfers } from './http/transfers';
export type { ServingFallback, Transfers } from './http/transfers';
