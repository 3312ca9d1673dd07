// A packed model as the masters that it could have been made from.
import { packedTensors } from '../../models/reference/hf-packed.mjs';
import { NAMES } from '../../models/reference/masters.mjs';
import { roundScale } from './gguf-blocks.mjs';

const matrixNames = new Map(Object.entries(NAMES).map(([name, hfName]) => [hfName, name]));

/**
 * Masters that become these codes and this scale, their mean: what the weights of +-1 leave of their sum is
 * shared by those of 0, below half the scale.
 */
function valuesOf({ rows, cols, codes, scale }, round) {
    const sum = scale * rows * cols;
    const ones = codes.reduce((n, code) => n + Math.abs(code), 0);
    const size = round((0.99 * sum) / ones);
    const values = Float32Array.from(codes, (code) => code * size);
    let rest = sum - ones * size;
    for (let i = 0; rest > sum * 2 ** -40; i++)
        if (codes[i] === 0) {
            values[i] = round(Math.min(0.99 * rest, 0.4 * scale));
            rest -= values[i];
        }
    return values;
}

/**
 * The tensors for `writeSafetensors`: matrices of this type, all else F32.
 * @param {'F32' | 'BF16'} dtype
 */
export function mastersOf(model, dtype) {
    return packedTensors(model, 'multiply', { scale: 'F32', floats: 'F32' })
        .filter(({ name }) => !name.endsWith('_scale'))
        .map((tensor) => {
            const [, layer, part] = tensor.name.match(/^model\.layers\.(\d+)\.(.*)\.weight$/) ?? [];
            const matrix = model.layers[layer]?.[matrixNames.get(part)];
            if (!matrix) return tensor;
            const values = valuesOf(matrix, roundScale[dtype]);
            return { ...tensor, dtype, shape: [matrix.rows, matrix.cols], values };
        });
}
