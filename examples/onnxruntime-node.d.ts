/** onnxruntime-node is too heavy to be a development dependency; its types are those of onnxruntime-common. */
declare module 'onnxruntime-node' {
  export * from 'onnxruntime-common';
}
