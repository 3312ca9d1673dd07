// Ternary matrices as Hugging Face packs them, and a model object (packed.mjs) as such a directory.

import { NAMES, NORM_NAMES } from './masters.mjs';

/**
 * Codes -1, 0, 1 of a matrix to bytes [ceil(rows / 4)][cols]: a byte has, from its low bits on, the
 * codes + 1 of one column in the four quarters of the rows.
 */
export function packQuarters({ rows, cols, codes }) {
    const quarter = Math.ceil(rows / 4);
    const bytes = new Uint8Array(quarter * cols);
    codes.forEach((code, at) => {
        const row = Math.floor(at / cols);
        bytes[(row % quarter) * cols + (at % cols)] |=
            (code + 1) << (2 * Math.floor(row / quarter));
    });
    return bytes;
}

/** The inverse; throws for a code that is none. */
export function unpackQuarters(bytes, rows, cols) {
    const quarter = Math.ceil(rows / 4);
    return Int8Array.from({ length: rows * cols }, (_, at) => {
        const row = Math.floor(at / cols);
        const byte = bytes[(row % quarter) * cols + (at % cols)];
        const code = (byte >> (2 * Math.floor(row / quarter))) & 3;
        if (code === 3) throw new Error(`quarters: the code 3 in row ${row}`);
        return code - 1;
    });
}

/** What config.json says of the two conventions. */
export const QUANTIZATION = {
    multiply: {
        quant_method: 'bitnet',
        linear_class: 'autobitlinear',
        quantization_mode: 'offline',
    },
    divide: { quant_method: 'bitnet', modules_to_not_convert: ['lm_head'] },
};

/** The tensors of the directory's file, for writeSafetensors. `types`: of scales, and of the rest. */
export function packedTensors(model, convention, types) {
    const { config, embed, layers, norm, head } = model;
    const floats = (name, shape, values) => ({ name, shape, values, dtype: types.floats });
    const list = [
        floats('model.embed_tokens.weight', [embed.rows, embed.cols], embed.values),
        floats('model.norm.weight', [config.dim], norm),
    ];
    if (!config.tied_head) list.push(floats('lm_head.weight', [head.rows, head.cols], head.values));
    layers.forEach((layer, index) => {
        const prefix = `model.layers.${index}`;
        for (const [name, hfName] of Object.entries(NORM_NAMES))
            if (layer[name])
                list.push(floats(`${prefix}.${hfName}.weight`, [layer[name].length], layer[name]));
        for (const [name, hfName] of Object.entries(NAMES)) {
            const matrix = layer[name];
            const scale = convention === 'divide' ? 1 / matrix.scale : matrix.scale;
            list.push(
                {
                    name: `${prefix}.${hfName}.weight`,
                    dtype: 'U8',
                    shape: [Math.ceil(matrix.rows / 4), matrix.cols],
                    values: packQuarters(matrix),
                },
                {
                    name: `${prefix}.${hfName}.weight_scale`,
                    dtype: types.scale,
                    shape: [1],
                    values: [scale],
                },
            );
        }
    });
    return list;
}
