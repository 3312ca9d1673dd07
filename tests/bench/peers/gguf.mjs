// Writes GGUF files, version 3: a header, the tensors' names and places, then the tensors.
import { piece, sizeOf, tensorPieces, writePieces } from '../pieces.mjs';

const ALIGNMENT = 32;

/** The types of tensors in use here: ggml's number, weights in a block, bytes of a block, and behind the last. */
export const TENSOR_TYPES = {
    F32: { id: 0, weights: 1, bytes: 4 },
    F16: { id: 1, weights: 1, bytes: 2 },
    Q8_0: { id: 8, weights: 32, bytes: 34 },
    Q6_K: { id: 14, weights: 256, bytes: 210 },
    BF16: { id: 30, weights: 1, bytes: 2 },
    TQ1_0: { id: 34, weights: 256, bytes: 54 },
    TQ2_0: { id: 35, weights: 256, bytes: 66 },
    I2_S: { id: 36, weights: 128, bytes: 32, tail: 32 },
};

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const string = (text) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
const array = (type, items) => Buffer.concat([u32(type), u64(items.length), ...items]);

/** Metadata values: ggml's number of the type, then the bytes. */
export const value = {
    u16: (number) => [u32(2), u32(number).subarray(0, 2)],
    u32: (number) => [u32(4), u32(number)],
    i32: (number) => [u32(5), u32(number)],
    bool: (flag) => [u32(7), Buffer.of(Number(flag))],
    f32: (number) => [u32(6), Buffer.from(Float32Array.of(number).buffer)],
    string: (text) => [u32(8), string(text)],
    strings: (texts) => [u32(9), array(8, texts.map(string))],
    f32s: (numbers) => [
        u32(9),
        array(
            6,
            numbers.map((n) => Buffer.from(Float32Array.of(n).buffer)),
        ),
    ],
    i32s: (numbers) => [u32(9), array(5, numbers.map(u32))],
};

/** @param {{name: string, type: keyof TENSOR_TYPES, shape: number[]}} tensor columns come first */
export function tensorBytes({ name, type, shape }) {
    const { weights, bytes, tail = 0 } = TENSOR_TYPES[type];
    if (shape[0] % weights !== 0)
        throw new Error(`${name}: ${shape[0]} columns are no multiple of ${weights}`);
    return (shape.reduce((product, n) => product * n) / weights) * bytes + tail;
}

const padding = (length) => (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;

/** A tensor and the zeros up to the next one. */
export function paddedBytes(tensor) {
    const bytes = tensorBytes(tensor);
    return bytes + padding(bytes);
}

function header(metadata, tensors) {
    const parts = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(metadata.length)];
    for (const [key, typed] of metadata) parts.push(string(key), ...typed);
    let offset = 0;
    for (const tensor of tensors) {
        const { name, type, shape } = tensor;
        parts.push(string(name), u32(shape.length), ...shape.map(u64));
        parts.push(u32(TENSOR_TYPES[type].id), u64(offset));
        offset += paddedBytes(tensor);
    }
    return Buffer.concat(parts);
}

/**
 * @param {[string, Buffer[]][]} metadata
 * @param {{name: string, type: string, shape: number[], pieceBytes?: number,
 *   fill: (bytes: Buffer, i: number) => void}[]} tensors
 */
export function ggufPieces(metadata, tensors) {
    const padded = (pieces) => [...pieces, piece(Buffer.alloc(padding(sizeOf(pieces))))];
    return [
        ...padded([piece(header(metadata, tensors))]),
        ...tensors.flatMap((tensor) => padded(tensorPieces(tensor, tensorBytes(tensor)))),
    ];
}

export function writeGguf(file, metadata, tensors) {
    writePieces(file, ggufPieces(metadata, tensors));
}
