/** The same objects for ES modules: one class identity, however the package is loaded. */
export { accelerate, serveFiles, transfers, ZeroCopyResponse } from './http.js';
export type * from './http.js';
