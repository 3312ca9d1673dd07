// Reads a packed file by models/FORMAT.md into the model object that the decoder takes:
//
//   { config, card, tokenizer, embed, layers, norm, head }
//
// A ternary matrix is { rows, cols, codes (-1, 0, 1), scale }. Embedding and head are
// { kind: 'f16', rows, cols, values } or { kind: 'int8', rows, cols, codes, scale, sum }.

import { openSafetensors } from './safetensors.mjs';
import { packedBytes, unpackCodes } from './ternarise.mjs';

function fail(message) {
    throw new Error(`packed: ${message}`);
}

/** The ternary matrices of a layer: name to [rows, cols]. */
export function layerShapes(config) {
    const { dim, ffn_dim: ffn, head_dim: size } = config;
    const queries = config.n_head * size;
    const keys = config.n_head_kv * size;
    return {
        q: [queries, dim],
        k: [keys, dim],
        v: [keys, dim],
        o: [dim, queries],
        gate: [ffn, dim],
        up: [ffn, dim],
        down: [dim, ffn],
    };
}

/**
 * Every tensor that a packed file of this configuration holds, in order: [name, dtype, shape].
 * `null` in a shape is a length that the configuration does not fix.
 */
export function tensorList(config) {
    const { dim, n_vocab: vocab, site } = config;
    const list = [
        ['tokenizer.ends', 'I32', [vocab]],
        ['tokenizer.bytes', 'U8', [null]],
        ['tokenizer.special', 'U8', [vocab]],
        ['tokenizer.merges', 'I32', [null, 3]],
        ['tokenizer.flags', 'U8', [1]],
    ];
    const rows = (name) =>
        site.head.weight === 'int8'
            ? list.push(
                  [name, 'I8', [vocab, dim]],
                  [`${name}.scale`, 'F32', [vocab]],
                  [`${name}.sum`, 'I32', [vocab]],
              )
            : list.push([name, 'F16', [vocab, dim]]);
    const norm = (name, n) => list.push([name, 'F32', [n]]);

    rows('embed');
    const shapes = layerShapes(config);
    for (let layer = 0; layer < config.n_layer; layer++) {
        const ternary = (name) => {
            const [out, columns] = shapes[name];
            list.push([`${layer}.${name}`, 'U8', [out, packedBytes(columns)]]);
            list.push([`${layer}.${name}.scale`, 'F32', [1]]);
        };
        norm(`${layer}.attn_norm`, dim);
        ['q', 'k', 'v'].forEach(ternary);
        if (site.o.norm === 'rms') norm(`${layer}.attn_sub_norm`, config.n_head * config.head_dim);
        ternary('o');
        norm(`${layer}.ffn_norm`, dim);
        ['gate', 'up'].forEach(ternary);
        if (site.down.norm === 'rms') norm(`${layer}.ffn_sub_norm`, config.ffn_dim);
        ternary('down');
    }
    norm('norm', dim);
    if (!config.tied_head) rows('head');
    return list;
}

function checkTensors(file, config) {
    const expected = tensorList(config);
    if (file.names.join() !== expected.map(([name]) => name).join())
        fail('the tensors are not those of the configuration, or stand in another order');
    for (const [name, dtype, shape] of expected) {
        const found = file.info(name);
        const fits =
            found.dtype === dtype &&
            found.shape.length === shape.length &&
            shape.every((n, i) => n === null || n === found.shape[i]);
        if (!fits) fail(`${name} is ${found.dtype} [${found.shape}], not ${dtype} [${shape}]`);
    }
}

function readRows(file, name, config) {
    const { n_vocab: rows, dim: cols } = config;
    if (config.site.head.weight === 'f16')
        return { kind: 'f16', rows, cols, values: file.read(name) };
    const codes = file.read(name);
    const scale = file.read(`${name}.scale`);
    const sum = file.read(`${name}.sum`);
    for (let r = 0; r < rows; r++) {
        const total = codes.subarray(r * cols, (r + 1) * cols).reduce((a, b) => a + b, 0);
        if (total !== sum[r]) fail(`${name}.sum of row ${r} is ${sum[r]}, not ${total}`);
    }
    return { kind: 'int8', rows, cols, codes, scale, sum };
}

function readLayer(file, layer, config) {
    const weights = {};
    for (const [name, [rows, cols]] of Object.entries(layerShapes(config))) {
        const scale = file.read(`${layer}.${name}.scale`)[0];
        if (!(scale >= 0 && Number.isFinite(scale))) fail(`${layer}.${name}.scale is ${scale}`);
        const codes = unpackCodes(file.read(`${layer}.${name}`), rows, cols);
        weights[name] = { rows, cols, codes, scale };
    }
    for (const name of ['attn_norm', 'attn_sub_norm', 'ffn_norm', 'ffn_sub_norm'])
        if (file.has(`${layer}.${name}`)) weights[name] = file.read(`${layer}.${name}`);
    return weights;
}

/**
 * A packed file promises the float32 of a number, not its decimals. The reference computes with the
 * shortest decimal that names the same float32, which is what the masters' config.json said.
 */
function shortest(x) {
    const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const names = digits.map((n) => Number(Math.fround(x).toPrecision(n)));
    return names.find((name) => Math.fround(name) === Math.fround(x));
}

export function readPacked(bytes) {
    const file = openSafetensors(bytes);
    if (file.metadata.format !== 'trit') fail('not a packed file');
    if ((8 + file.headerLength) % 64) fail('the data does not begin at a multiple of 64');
    const { version, config, card } = JSON.parse(file.metadata.trit);
    if (version !== 1) fail(`version ${version}`);
    for (const key of ['norm_eps', 'rope_theta', 'residual_scale'])
        config[key] = shortest(config[key]);
    checkTensors(file, config);
    const embed = readRows(file, 'embed', config);
    return {
        config,
        card,
        tokenizer: {
            ends: file.read('tokenizer.ends'),
            bytes: file.read('tokenizer.bytes'),
            special: file.read('tokenizer.special'),
            merges: file.read('tokenizer.merges'),
            ignoreMerges: (file.read('tokenizer.flags')[0] & 1) === 1,
        },
        embed,
        layers: Array.from({ length: config.n_layer }, (_, layer) =>
            readLayer(file, layer, config),
        ),
        norm: file.read('norm'),
        head: config.tied_head ? embed : readRows(file, 'head', config),
    };
}
