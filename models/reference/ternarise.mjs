// From float weights to the codes of a packed file (models/FORMAT.md): the absmean rule of
// BitNet b1.58 (arXiv 2402.17764), the 1.6-bit bytes, and int8 rows.

const FLOOR = Math.fround(1e-5);

/** Rounds half to even. Adding 1.5 * 2^52 leaves no fraction bits, so the addition rounds for us. */
export function roundHalfEven(x) {
    const shift = 1.5 * 2 ** 52;
    return x + shift - shift;
}

/** mean |W| as a float32, at least 1e-5. The sum is compensated (Neumaier), so that the only rounding that counts is the last. */
export function absmean(values) {
    let sum = 0;
    let lost = 0;
    for (let i = 0; i < values.length; i++) {
        const x = Math.abs(values[i]);
        const next = sum + x;
        lost += sum >= x ? sum - next + x : x - next + sum;
        sum = next;
    }
    const mean = Math.fround((sum + lost) / values.length);
    if (!Number.isFinite(mean)) throw new Error('ternarise: a weight is not finite');
    return Math.max(mean, FLOOR);
}

/**
 * clamp(round(W / scale), -1, 1). A float64 quotient of two float32 values is 1/2 only when the
 * exact quotient is, so ties are decided as written.
 */
export function ternarise(values, scale) {
    return Int8Array.from(values, (w) => Math.max(-1, Math.min(1, roundHalfEven(w / scale))));
}

/** One matrix of masters, [rows, cols], to { rows, cols, codes, scale }. */
export function ternaryMatrix(values, rows, cols) {
    const scale = absmean(values);
    return { rows, cols, scale, codes: ternarise(values, scale) };
}

/** Bytes of a packed row. */
export const packedBytes = (cols) => Math.ceil(cols / 5);

const encodeByte = (v) => Math.ceil((256 * v) / 243);

// Decoding by the table of all 243 legal bytes; the engine multiplies instead.
const DIGITS = new Map();
for (let v = 0; v < 243; v++)
    DIGITS.set(
        encodeByte(v),
        [81, 27, 9, 3, 1].map((power) => Math.floor(v / power) % 3),
    );

/** Codes -1, 0, 1 of a matrix to the bytes of the file. */
export function packCodes({ rows, cols, codes }) {
    const stride = packedBytes(cols);
    const bytes = new Uint8Array(rows * stride);
    for (let r = 0; r < rows; r++)
        for (let j = 0; j < stride; j++) {
            let v = 0;
            for (let column = j; column < 5 * stride; column += stride)
                v = v * 3 + (column < cols ? codes[r * cols + column] + 1 : 1);
            bytes[r * stride + j] = encodeByte(v);
        }
    return bytes;
}

/** The inverse of packCodes; throws on a byte or a pad that cannot be. */
export function unpackCodes(bytes, rows, cols) {
    const stride = packedBytes(cols);
    const codes = new Int8Array(rows * cols);
    for (let r = 0; r < rows; r++)
        for (let j = 0; j < stride; j++) {
            const digits = DIGITS.get(bytes[r * stride + j]);
            if (!digits)
                throw new Error(`codes: impossible byte ${bytes[r * stride + j]} in row ${r}`);
            digits.forEach((digit, i) => {
                const column = i * stride + j;
                if (column < cols) codes[r * cols + column] = digit - 1;
                else if (digit !== 1) throw new Error(`codes: a pad of row ${r} is not 1`);
            });
        }
    return codes;
}

/** Float rows [rows, cols] to int8 with a float32 scale each; every division rounds to float32. */
export function int8Rows(values, rows, cols) {
    const codes = new Int8Array(rows * cols);
    const scale = new Float32Array(rows);
    const sum = new Int32Array(rows);
    for (let r = 0; r < rows; r++) {
        const row = values.subarray(r * cols, (r + 1) * cols);
        scale[r] = row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 127;
        if (scale[r] === 0) continue;
        for (let c = 0; c < cols; c++) {
            const code = roundHalfEven(Math.fround(row[c] / scale[r]));
            // a quotient by a subnormal scale may pass 127
            codes[r * cols + c] = Math.max(-127, Math.min(127, code));
            sum[r] += codes[r * cols + c];
        }
    }
    return { kind: 'int8', rows, cols, codes, scale, sum };
}
