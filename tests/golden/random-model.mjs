// A model object (models/reference/packed.mjs) of random codes, with any scales.

import { configFromHf } from '../../models/reference/masters.mjs';
import { layerShapes } from '../../models/reference/packed.mjs';
import { configOf, random } from './generated.mjs';

/** A byte-level vocabulary without merges, then special tokens; the last id has none. */
export function byteTables(vocab, special = (id) => `<|special_${id}|>`) {
    const tokens = Array.from({ length: vocab }, (_, id) =>
        id < 256 ? [id] : id + 1 < vocab ? [...Buffer.from(special(id), 'latin1')] : [],
    );
    let end = 0;
    return {
        ends: Int32Array.from(tokens, ({ length }) => (end += length)),
        bytes: Uint8Array.from(tokens.flat()),
        special: Uint8Array.from(tokens, (_, id) => Number(id > 255)),
        merges: new Int32Array(0),
        ignoreMerges: true,
    };
}

/** A layer of random codes, whose first 256 are zeros, with any scale. */
export function randomModel(shape, seed) {
    const next = random(seed);
    const config = {
        ...configFromHf(configOf(shape), undefined, 'f16'),
        n_head: 2,
        ffn: 'glu_silu',
        ...shape,
    };
    const numbers = (n) => Float32Array.from({ length: n }, () => next() - 0.5);
    const layer = {};
    for (const [name, [rows, cols]] of Object.entries(layerShapes(config))) {
        const codes = Int8Array.from({ length: rows * cols }, () => Math.floor(3 * next()) - 1);
        layer[name] = { rows, cols, codes: codes.fill(0, 0, 256), scale: Math.fround(next()) };
    }
    const { dim, ffn_dim: ffn, n_head: heads, head_dim: size, n_vocab: vocab } = config;
    const norms = { attn_norm: dim, attn_sub_norm: heads * size, ffn_norm: dim, ffn_sub_norm: ffn };
    for (const [name, n] of Object.entries(norms)) layer[name] = numbers(n);
    const rows = () => ({ kind: 'f16', rows: vocab, cols: dim, values: numbers(vocab * dim) });
    return {
        config,
        tokenizer: byteTables(vocab),
        embed: rows(),
        layers: [layer],
        norm: numbers(dim),
        head: rows(),
    };
}
