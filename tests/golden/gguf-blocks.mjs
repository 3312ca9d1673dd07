// Tensors of GGUF as bytes: what ggml's quantisers and BitNet's converter write, by their layouts.
import { bf16, f16 } from '../../models/reference/safetensors.mjs';
import { bf16Bits, f16Bits } from '../../models/reference/write.mjs';

/** Four codes of two bits a byte: value `first + step * i` of a run at bits `shift(i)`. */
function twoBits(bytes, at, codes, begin, run, shift) {
    for (let m = 0; m < run; m++)
        for (let i = 0; i < 4; i++) bytes[at + m] |= (codes[begin + i * run + m] + 1) << shift(i);
}

/** The scale of a block is the largest number in it, so that of zeros is 0. */
const blockScale = (codes, begin, scale) =>
    f16Bits(codes.subarray(begin, begin + 256).some(Boolean) ? scale : 0);

/** Layouts of I2_S: of x86, of ARM, and the one in which four rows share a byte. */
function i2s(bytes, { rows, cols, codes, scale }, layout = 'x86') {
    const run = { x86: 32, arm: 16, rows: cols }[layout];
    if (layout === 'rows' && rows % 4) throw new Error('rows cannot share bytes by four');
    for (let begin = 0; begin < codes.length; begin += 4 * run)
        twoBits(bytes, begin / 4, codes, begin, run, (i) => 6 - 2 * i);
    for (let i = 0; i < 8; i++) bytes.writeFloatLE(scale, codes.length / 4 + 4 * i);
}

function tq2(bytes, { codes, scale }) {
    for (let begin = 0, at = 0; begin < codes.length; begin += 256, at += 66) {
        for (const half of [0, 1])
            twoBits(bytes, at + 32 * half, codes, begin + 128 * half, 32, (i) => 2 * i);
        bytes.writeUInt16LE(blockScale(codes, begin, scale), at + 64);
    }
}

/** Base-3 digits, the first the most significant, as a fraction of 256, rounded up. */
function tq1(bytes, { codes, scale }) {
    const byte = (first, step, count) => {
        let value = 0;
        for (let i = 0; i < 5; i++)
            value = 3 * value + (i < count ? codes[first + i * step] + 1 : 0);
        return Math.ceil((value * 256) / 243);
    };
    for (let begin = 0, at = 0; begin < codes.length; begin += 256, at += 54) {
        for (let m = 0; m < 32; m++) bytes[at + m] = byte(begin + m, 32, 5);
        for (let m = 0; m < 16; m++) bytes[at + 32 + m] = byte(begin + 160 + m, 16, 5);
        for (let m = 0; m < 4; m++) bytes[at + 48 + m] = byte(begin + 240 + m, 4, 4);
        bytes.writeUInt16LE(blockScale(codes, begin, scale), at + 52);
    }
}

const numbers = (width, write) => (bytes, values) =>
    values.forEach((x, i) => write(bytes, x, width * i));
const floats = {
    F32: numbers(4, (bytes, x, at) => bytes.writeFloatLE(x, at)),
    F16: numbers(2, (bytes, x, at) => bytes.writeUInt16LE(f16Bits(x), at)),
    BF16: numbers(2, (bytes, x, at) => bytes.writeUInt16LE(bf16Bits(x), at)),
};

/** (bytes, { rows, cols, codes, scale }) by type; of I2_S the layout, too. */
export const writeTernary = {
    I2_S: i2s,
    TQ1_0: tq1,
    TQ2_0: tq2,
    ...Object.fromEntries(
        Object.entries(floats).map(([type, write]) => [
            type,
            (bytes, { codes, scale }) =>
                write(
                    bytes,
                    Float32Array.from(codes, (code) => code * scale),
                ),
        ]),
    ),
};

/** What a container keeps of a scale. */
export const roundScale = {
    I2_S: (scale) => scale,
    F32: Math.fround,
    TQ1_0: (scale) => f16(f16Bits(scale)),
    TQ2_0: (scale) => f16(f16Bits(scale)),
    F16: (scale) => f16(f16Bits(scale)),
    BF16: (scale) => bf16(bf16Bits(scale)),
};

/** 32 numbers: a scale in half precision, int8 codes. */
function readQ8(bytes) {
    const values = new Float32Array((bytes.length / 34) * 32);
    for (let i = 0; i < values.length; i++) {
        const at = Math.floor(i / 32) * 34;
        values[i] = f16(bytes.readUInt16LE(at)) * bytes.readInt8(at + 2 + (i % 32));
    }
    return values;
}

/** 256 numbers in two halves of four runs of 32; scales of 16 numbers, and one of all. */
function readQ6(bytes) {
    const values = new Float32Array((bytes.length / 210) * 256);
    for (let at = 0, out = 0; at < bytes.length; at += 210, out += 256)
        for (const half of [0, 1])
            for (let j = 0; j < 32; j++) {
                const [a, b] = [0, 32].map((run) => bytes[at + 64 * half + run + j]);
                const high = bytes[at + 128 + 32 * half + j];
                const low = [a & 15, b & 15, a >> 4, b >> 4];
                low.forEach((bits, run) => {
                    const code = (bits | (((high >> (2 * run)) & 3) << 4)) - 32;
                    const group = 8 * half + 2 * run + Math.floor(j / 16);
                    const scale = Math.fround(
                        f16(bytes.readUInt16LE(at + 208)) * bytes.readInt8(at + 192 + group),
                    );
                    values[out + 128 * half + 32 * run + j] = scale * code;
                });
            }
    return values;
}

/** Rows of an embedding: (bytes, values) => the values that they now stand for. */
export const writeRows = {
    F32: (bytes, values) => (floats.F32(bytes, values), values),
    F16: (bytes, values) => (floats.F16(bytes, values), values.map((x) => f16(f16Bits(x)))),
    BF16: (bytes, values) => (floats.BF16(bytes, values), values.map((x) => bf16(bf16Bits(x)))),
    // any bytes are numbers of these; the scales must be finite
    Q8_0(bytes, values, next) {
        for (let i = 0; i < bytes.length; i++) bytes[i] = next() * 256;
        for (let at = 0; at < bytes.length; at += 34) bytes.writeUInt16LE(f16Bits(next()), at);
        return readQ8(bytes);
    },
    Q6_K(bytes, values, next) {
        for (let i = 0; i < bytes.length; i++) bytes[i] = next() * 256;
        for (let at = 208; at < bytes.length; at += 210)
            bytes.writeUInt16LE(f16Bits(next() * 0.01), at);
        return readQ6(bytes);
    },
};
