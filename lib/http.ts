/** The public names of `zerocopy/http`, and nothing else. */
export { transfers } from './http/transfers';
export type { ServingFallback, Transfers } from './http/transfers';
