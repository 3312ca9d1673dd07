// Writes safetensors and packed files, for tests: a file the engine must read that the engine did
// not write.

import { tensorList } from './packed.mjs';
import { dtypeBytes } from './safetensors.mjs';
import { int8Rows, packCodes, roundHalfEven } from './ternarise.mjs';

const one = new Float32Array(1);
const oneBits = new Uint32Array(one.buffer);

/** float32 to bfloat16, half to even. */
export function bf16Bits(x) {
    one[0] = x;
    const bits = oneBits[0];
    return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** A finite number to binary16, half to even. */
export function f16Bits(x) {
    const sign = Object.is(x, -0) || x < 0 ? 0x8000 : 0;
    const size = Math.abs(x);
    // below 2^-14 the step is that of the subnormals; a fraction that rounds up carries by itself
    const exponent = Math.max(-14, Math.floor(Math.log2(size || 1)));
    const steps = roundHalfEven(size / 2 ** (exponent - 10));
    return sign | Math.min(0x7c00, steps >= 1024 ? ((exponent + 14) << 10) + steps : steps);
}

const WRITERS = {
    BF16: (view, at, x) => view.setUint16(at, bf16Bits(x), true),
    F16: (view, at, x) => view.setUint16(at, f16Bits(x), true),
    F32: (view, at, x) => view.setFloat32(at, x, true),
    U8: (view, at, x) => view.setUint8(at, x),
    I8: (view, at, x) => view.setInt8(at, x),
    I32: (view, at, x) => view.setInt32(at, x, true),
};

/** tensors: [{ name, dtype, shape, values }], in the order of the file. */
export function writeSafetensors(tensors, metadata) {
    const header = metadata ? { __metadata__: metadata } : {};
    let end = 0;
    for (const { name, dtype, shape, values } of tensors) {
        const begin = end;
        end += values.length * dtypeBytes(dtype);
        header[name] = { dtype, shape, data_offsets: [begin, end] };
    }
    const text = new TextEncoder().encode(JSON.stringify(header));
    const base = Math.ceil((8 + text.length) / 64) * 64;
    const bytes = new Uint8Array(base + end).fill(32, 8, base);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(base - 8), true);
    bytes.set(text, 8);
    for (const { name, dtype, values } of tensors) {
        const begin = base + header[name].data_offsets[0];
        for (let i = 0; i < values.length; i++)
            WRITERS[dtype](view, begin + i * dtypeBytes(dtype), values[i]);
    }
    return bytes;
}

/** The values of one tensor of a packed file, by its name. */
function packedValues(model, name) {
    const { tokenizer } = model;
    const [first, second, third] = name.split('.');
    if (first === 'tokenizer') {
        if (second === 'flags') return [tokenizer.ignoreMerges ? 1 : 0];
        return tokenizer[second];
    }
    if (first === 'norm') return model.norm;
    if (first === 'embed' || first === 'head') {
        const rows = model[first];
        return second ? rows[second] : (rows.codes ?? rows.values);
    }
    const weight = model.layers[first][second];
    if (third === 'scale') return [weight.scale];
    return weight.codes ? packCodes(weight) : weight;
}

/** A model object (packed.mjs) as the bytes of a packed file. */
export function writePacked(model) {
    const { config, card } = model;
    const tensors = tensorList(config).map(([name, dtype, shape]) => {
        const values = packedValues(model, name);
        const others = shape.reduce((product, n) => product * (n ?? 1), 1);
        return { name, dtype, shape: shape.map((n) => n ?? values.length / others), values };
    });
    const trit = JSON.stringify({ version: 1, config, card });
    return writeSafetensors(tensors, { format: 'trit', trit });
}

/** The same model with int8 rows in place of f16. */
export function withInt8Head(model) {
    const { config } = model;
    const quantise = ({ values, rows, cols }) => int8Rows(values, rows, cols);
    const embed = quantise(model.embed);
    const site = { ...config.site, head: { ...config.site.head, weight: 'int8' } };
    return {
        ...model,
        config: { ...config, site },
        embed,
        head: config.tied_head ? embed : quantise(model.head),
    };
}
