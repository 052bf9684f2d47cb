/** Models for onnxruntime, made by Python's onnx, and what NumPy says that they answer. */
import type { OnnxRuntime } from '../support/onnxruntime';
import { pythonWith, runPython } from '../support/python';

const MAKE = `
import sys, numpy, onnx
from onnx import helper, numpy_helper, TensorProto

def save(file, node, inputs, outputs, constants):
    graph = helper.make_graph([node], 'graph', inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, file)

def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)

folder = sys.argv[1]
random = numpy.random.default_rng(5)
rows = random.integers(-9, 9, (1000, 64)).astype('f4')
weights = random.integers(-9, 9, (64, 10)).astype('f4')
numpy.save(folder + '/rows.npy', rows)
numpy.save(folder + '/expected.npy', rows @ weights)
save(folder + '/scores.onnx', helper.make_node('MatMul', ['x', 'w'], ['y']), [value('x', ['n', 64])], [value('y', ['n', 10])],
    [numpy_helper.from_array(weights, 'w')])

save(folder + '/sum.onnx', helper.make_node('ReduceSum', ['x'], ['y']), [value('x', ['n', 64])], [value('y', [1, 1])], [])
save(folder + '/negated.onnx', helper.make_node('Neg', ['x'], ['y']), [value('x', ['n', 64])], [value('y', ['n', 64])], [])

table = numpy.arange(1 << 24, dtype='f4').reshape(-1, 64)
save(folder + '/table.onnx', helper.make_node('Gather', ['w', 'x'], ['y']), [value('x', ['n'], TensorProto.INT64)],
    [value('y', ['n', 64])], [numpy_helper.from_array(table, 'w')])
`;

/** Bytes of the weights of table.onnx: rows of 64 float32, all of them counted up from 0. */
export const TABLE_BYTES = 4 << 24;

/**
 * Makes in `folder`: rows.npy, and expected.npy, what scores.onnx makes of it; sum.onnx, with an output of one number;
 * negated.onnx, with an output as large as its input; table.onnx, which answers with rows of its weights.
 */
export function makeModels(folder: string): void {
  runPython(pythonWith('onnx', 'python3-onnx'), MAKE, [folder]);
}

/** The same model in onnxruntime's own format, the weights of which can be used where they lie. */
export async function convertModel({ InferenceSession }: OnnxRuntime, onnx: string, ort: string): Promise<void> {
  const session = await InferenceSession.create(onnx, {
    optimizedModelFilePath: ort, graphOptimizationLevel: 'extended', extra: { session: { save_model_format: 'ORT' } },
  });
  await session.release();
}
