// An independent, strict reader of safetensors: it shares no line with the engine, so that an error
// in one of the two shows as a difference.

const DTYPES = {
    BF16: { bytes: 2, read: (view, at) => bf16(view.getUint16(at, true)), array: Float32Array },
    F16: { bytes: 2, read: (view, at) => f16(view.getUint16(at, true)), array: Float32Array },
    F32: { bytes: 4, read: (view, at) => view.getFloat32(at, true), array: Float32Array },
    U8: { bytes: 1, read: (view, at) => view.getUint8(at), array: Uint8Array },
    I8: { bytes: 1, read: (view, at) => view.getInt8(at), array: Int8Array },
    I32: { bytes: 4, read: (view, at) => view.getInt32(at, true), array: Int32Array },
};

const scratch = new DataView(new ArrayBuffer(4));

/** A bfloat16 is the upper half of a float32. */
export function bf16(bits) {
    scratch.setUint32(0, bits << 16);
    return scratch.getFloat32(0);
}

/** IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. */
export function f16(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Bytes of one value of a type such as 'BF16'. */
export function dtypeBytes(dtype) {
    return DTYPES[dtype].bytes;
}

function fail(message) {
    throw new Error(`safetensors: ${message}`);
}

/**
 * Opens a whole file. Returns `metadata`, `headerLength`, `names` in the order of the data, `info(name)` with
 * dtype and shape, and `read(name)` with the values: floats of any width become a Float32Array,
 * which holds every one of them exactly.
 */
export function openSafetensors(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 8) fail('shorter than 8 bytes');
    const headerLength = Number(view.getBigUint64(0, true));
    if (headerLength > bytes.length - 8) fail('the header is longer than the file');
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        bytes.subarray(8, 8 + headerLength),
    );
    if (text[0] !== '{') fail('the header does not begin with {');
    const { __metadata__: metadata = {}, ...header } = JSON.parse(text);
    for (const value of Object.values(metadata))
        if (typeof value !== 'string') fail('a metadata value is not a string');

    const tensors = new Map();
    for (const [name, entry] of Object.entries(header)) {
        const keys = Object.keys(entry).sort().join();
        if (keys !== 'data_offsets,dtype,shape') fail(`${name}: keys are ${keys}`);
        const { dtype, shape, data_offsets: offsets } = entry;
        if (!Object.hasOwn(DTYPES, dtype)) fail(`${name}: unknown dtype ${dtype}`);
        if (![...shape, ...offsets].every((n) => Number.isSafeInteger(n) && n >= 0))
            fail(`${name}: a dimension or an offset is not a whole number`);
        const count = shape.reduce((product, n) => product * n, 1);
        if (offsets.length !== 2 || offsets[1] - offsets[0] !== count * DTYPES[dtype].bytes)
            fail(`${name}: the offsets do not fit the shape`);
        tensors.set(name, { dtype, shape, count, begin: offsets[0], end: offsets[1] });
    }

    // No hole and no overlap. This also finds a duplicate name: JSON.parse drops its first entry,
    // which leaves a hole.
    const names = [...tensors.keys()].sort(
        (a, b) =>
            tensors.get(a).begin - tensors.get(b).begin || tensors.get(a).end - tensors.get(b).end,
    );
    let at = 0;
    for (const name of names) {
        if (tensors.get(name).begin !== at) fail(`${name}: a hole or an overlap before it`);
        at = tensors.get(name).end;
    }
    if (8 + headerLength + at !== bytes.length)
        fail('the data does not end at the end of the file');

    const get = (name) => tensors.get(name) ?? fail(`${name} is missing`);
    return {
        metadata,
        headerLength,
        names,
        has: (name) => tensors.has(name),
        info: (name) => ({ dtype: get(name).dtype, shape: get(name).shape }),
        read(name) {
            const { dtype, count, begin } = get(name);
            const { bytes: width, read, array } = DTYPES[dtype];
            const values = new array(count);
            const base = 8 + headerLength + begin;
            for (let i = 0; i < count; i++) values[i] = read(view, base + i * width);
            return values;
        },
    };
}
