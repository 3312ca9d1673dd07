// Files that are larger than memory should hold, as pieces of some MiB: `bytes` says how long a piece is, and
// `fill` writes it into zeros. No piece needs the ones before it, so a file can also be told from any byte on.
import { closeSync, openSync, writeSync } from 'node:fs';

export const piece = (bytes) => ({
    bytes: bytes.length,
    fill: (buffer) => void bytes.copy(buffer),
});

/**
 * A tensor's pieces; its own `fill` is told which one it fills.
 * @param {{pieceBytes?: number, fill: (buffer: Buffer, i: number) => void}} tensor
 * @param {number} bytes
 */
export function tensorPieces({ pieceBytes, fill }, bytes) {
    const step = pieceBytes ?? bytes;
    return Array.from({ length: Math.ceil(bytes / step) }, (_, i) => ({
        bytes: Math.min(step, bytes - i * step),
        fill: (buffer) => fill(buffer, i),
    }));
}

export const sizeOf = (pieces) => pieces.reduce((sum, { bytes }) => sum + bytes, 0);

/** The bytes of the file in order, from byte `from` on. */
export function* stream(pieces, from = 0) {
    let begin = 0;
    for (const { bytes, fill } of pieces) {
        const skip = Math.max(0, from - begin);
        begin += bytes;
        if (skip >= bytes) continue;
        const buffer = Buffer.alloc(bytes);
        fill(buffer);
        yield buffer.subarray(skip);
    }
}

export function writePieces(file, pieces) {
    const descriptor = openSync(file, 'w');
    try {
        for (const bytes of stream(pieces))
            for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    } finally {
        closeSync(descriptor);
    }
}
