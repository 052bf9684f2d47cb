import { createRequire } from 'node:module';
import type { InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';

export interface OnnxRuntime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

/** Where onnxruntime-node is, to be required. Throws when it is missing, and says how to get it. */
export function onnxRuntimePath(): string {
  try {
    return createRequire(__filename).resolve('onnxruntime-node');
  } catch (error) {
    throw new Error('onnxruntime-node is missing (npm run test:peers:install)', { cause: error });
  }
}

export function loadOnnxRuntime(): OnnxRuntime {
  return createRequire(__filename)(onnxRuntimePath()) as OnnxRuntime;
}
