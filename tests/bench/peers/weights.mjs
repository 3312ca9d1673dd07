// Random weights for a timing: the work of an engine does not depend on their values, as long as no
// activation overflows and no scale is so small that it is flushed to zero.

/** Bits of the half-precision number 2^exponent. */
const halfPower = (exponent) => (15 + exponent) << 10;
const TERNARY_SCALE = halfPower(-6);
// The smallest power that is a normal number: times 32 ... 47 times -32 ... 31 it is below 0.1.
const Q6_K_SCALE = halfPower(-14);

// Any byte, taken as a number of base 3, gives a byte of four codes 0, 1, 2 (for -1, 0, 1).
const FOUR_TRITS = Uint8Array.from({ length: 256 }, (_, byte) =>
    [1, 3, 9, 27].reduce(
        (codes, power, i) => codes | ((Math.trunc(byte / power) % 3) << (2 * i)),
        0,
    ),
);

/** Fills with random bits by xorshift. */
function randomise(bytes, seed) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    let x = seed;
    for (let i = 0; i < words.length; i++) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        words[i] = x;
    }
}

/** Blocks of 256 weights: 64 bytes of codes, a half-precision scale. */
function ternary(bytes, seed) {
    randomise(bytes, seed);
    for (let block = 0; block < bytes.length; block += 66) {
        for (let i = block; i < block + 64; i++) bytes[i] = FOUR_TRITS[bytes[i]];
        bytes.writeUInt16LE(TERNARY_SCALE, block + 64);
    }
}

/** Blocks of 256 weights: 192 bytes of 6-bit codes, 16 int8 scales, a half-precision scale. */
function q6k(bytes, seed) {
    randomise(bytes, seed);
    for (let block = 0; block < bytes.length; block += 210) {
        for (let i = block + 192; i < block + 208; i++) bytes[i] = 32 + (bytes[i] & 15);
        bytes.writeUInt16LE(Q6_K_SCALE, block + 208);
    }
}

/** Codes in bytes as in TQ2_0, though in another order, then a float32 scale and what is read by nobody. */
function i2s(bytes, seed) {
    const codes = bytes.subarray(0, bytes.length - 32);
    quarters(codes, seed);
    bytes.writeFloatLE(2 ** -6, codes.length);
}

/** Four codes a byte. */
function quarters(bytes, seed) {
    randomise(bytes, seed);
    for (let i = 0; i < bytes.length; i++) bytes[i] = FOUR_TRITS[bytes[i]];
}

/** Half-precision numbers of 2^-7 to 2^-3 in size, of either sign. */
function halves(bytes, seed) {
    randomise(bytes, seed);
    for (let i = 1; i < bytes.length; i += 2)
        bytes[i] = (bytes[i] & 0x83) | (halfPower(-7 + ((bytes[i] >> 2) & 3)) >> 8);
}

/** The same as bfloat16. Of masters, 35 % become zero. */
function brainHalves(bytes, seed) {
    randomise(bytes, seed);
    for (let i = 1; i < bytes.length; i += 2) bytes[i] = (bytes[i] & 0x81) | 0x3c;
}

function ones(bytes) {
    for (let i = 0; i < bytes.length; i += 4) bytes.writeFloatLE(1, i);
}

/** By type of tensor; all take (bytes, seed), and the seed is not 0. */
export const fillers = {
    TQ2_0: ternary,
    I2_S: i2s,
    U8: quarters,
    Q6_K: q6k,
    F16: halves,
    BF16: brainHalves,
    F32: ones,
};
