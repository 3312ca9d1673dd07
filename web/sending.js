import { throwIfAborted } from './errors.js';
import { readSides } from './source.js';

/**
 * @param {import('./client.js').Client} client
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {AbortSignal | undefined} signal
 * @param {(loaded: number) => void} onProgress
 */
export async function sendChunks(client, chunks, signal, onProgress) {
    let loaded = 0;
    /** @type {Promise<unknown>} */
    let before = Promise.resolve();
    let taken = before;
    const iterator = chunks[Symbol.asyncIterator]();
    try {
        for (;;) {
            const next = iterator.next();
            // a chunk that is refused ends the wait for the next one
            const { done, value: chunk } = await Promise.race([
                next,
                before.then(() => next),
                taken.then(() => next),
            ]);
            if (done) break;
            throwIfAborted(signal);
            // one chunk is being taken and one waits, while the next is read
            await before;
            before = taken;
            loaded += chunk.length;
            const transfer = chunk.buffer instanceof ArrayBuffer ? [chunk.buffer] : [];
            taken = client.call('push', [chunk], { signal, transfer });
            taken.catch(() => {});
            onProgress(loaded);
        }
        await before; // the first error, not what comes of it
        await taken;
    } catch (error) {
        // ends when what it waits for has come, or when the load has ended
        Promise.resolve(iterator.return?.()).catch(() => {});
        throw error;
    }
    return loaded;
}

/**
 * The files that stand beside the tensors.
 * @param {import('./client.js').Client} client
 * @param {ReturnType<typeof import('./source.js').resolveFiles>} source
 * @param {import('./source.js').Open} open
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<Uint8Array | undefined>} the index, if there is one
 */
export async function sendSides(client, source, open, signal) {
    let index;
    for await (const [name, text] of readSides(source, open, signal)) {
        await client.call('side', [name, text], { signal });
        if (name === 'index') index = text;
    }
    return index;
}
