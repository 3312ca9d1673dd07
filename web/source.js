import { defaults } from './defaults.js';
import { TritError } from './errors.js';

/**
 * Where bytes can come from: an address, a file of the user, memory, or anything that yields bytes.
 * @typedef {string | URL | Blob | ArrayBuffer | Uint8Array | AsyncIterable<Uint8Array>
 *   | Iterable<Uint8Array>} Bytes
 *
 * A model of safetensors, with the files that stand beside it.
 * @typedef {object} Masters
 * @property {Bytes} tensors
 * @property {Bytes} config
 * @property {Bytes} tokenizer
 * @property {Bytes} [tokenizerConfig]
 * @property {Bytes} [generationConfig]
 *
 * @typedef {Bytes | Masters} Source
 *
 * @typedef {{total: number | undefined, chunks: AsyncIterable<Uint8Array>}} Opened a chunk is a copy
 *   that stays as it is until the third after it is asked for; an unknown total is undefined
 * @typedef {(source: Bytes, signal?: AbortSignal) => Promise<Opened>} Open
 */

/** The side files in the order in which the loader wants them. */
export const sideNames = /** @type {const} */ ([
    'config',
    'tokenizer',
    'tokenizerConfig',
    'generationConfig',
]);

/**
 * @param {any} source
 * @returns {source is Masters}
 */
export function isMasters(source) {
    return typeof source === 'object' && source !== null && 'tensors' in source;
}

/** @type {Open} */
export async function openBytes(source, signal) {
    if (typeof source === 'string' || source instanceof URL) return openUrl(source, signal);
    if (source instanceof Blob) return { total: source.size, chunks: blobChunks(source) };
    if (source instanceof ArrayBuffer) return openBytes(new Uint8Array(source), signal);
    if (source instanceof Uint8Array) return { total: source.length, chunks: slices(source) };
    const iterable = /** @type {any} */ (source);
    if (iterable?.[Symbol.asyncIterator] || iterable?.[Symbol.iterator])
        return { total: undefined, chunks: copies(iterable) };
    throw new TritError('PARAM', 'the source is no address, file, bytes or stream of bytes');
}

/**
 * All bytes of a small source.
 * @param {Bytes} source
 * @param {Open} open
 * @param {AbortSignal} [signal]
 */
export async function readAll(source, open, signal) {
    /** @type {any[]} */
    const parts = [];
    for await (const chunk of (await open(source, signal)).chunks)
        parts.push(Uint8Array.from(chunk));
    return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/**
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Opened>}
 */
async function openUrl(url, signal) {
    const response = await network(signal, () => fetch(url, { signal }));
    if (!response.ok || !response.body)
        throw new TritError('NETWORK', `the server answered ${response.status} for ${url}`);
    // the length of a compressed body says nothing about the bytes that arrive
    const length = response.headers.has('content-encoding')
        ? null
        : response.headers.get('content-length');
    return {
        total: length === null ? undefined : Number(length),
        chunks: streamChunks(response.body, signal),
    };
}

/**
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} work
 */
async function network(signal, work) {
    try {
        return await work();
    } catch (error) {
        if (signal?.aborted)
            throw new TritError('ABORTED', 'the work was stopped by the caller', { cause: error });
        throw new TritError('NETWORK', 'the download failed: check the connection and try again', {
            cause: error,
        });
    }
}

/**
 * @param {ReadableStream<Uint8Array>} stream
 * @param {AbortSignal} [signal]
 */
async function* streamChunks(stream, signal) {
    const reader = stream.getReader();
    try {
        for (;;) {
            const { done, value } = await network(signal, () => reader.read());
            if (done) return;
            yield value;
        }
    } finally {
        // nobody reads on: the connection can go
        await reader.cancel().catch(() => {});
    }
}

/** @param {Blob} blob */
async function* blobChunks(blob) {
    for (let at = 0; at < blob.size; at += defaults.chunkBytes) {
        const part = blob.slice(at, at + defaults.chunkBytes);
        try {
            yield new Uint8Array(await part.arrayBuffer());
        } catch (error) {
            throw TritError.from(error, 'FILE');
        }
    }
}

/** @param {Uint8Array} bytes */
async function* slices(bytes) {
    for (let at = 0; at < bytes.length; at += defaults.chunkBytes)
        yield Uint8Array.from(bytes.subarray(at, at + defaults.chunkBytes));
}

/** @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} iterable */
async function* copies(iterable) {
    for await (const chunk of iterable) {
        if (!(chunk instanceof Uint8Array))
            throw new TritError('PARAM', 'the source yields something else than Uint8Array');
        yield* slices(chunk);
    }
}
