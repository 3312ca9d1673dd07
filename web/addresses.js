import { pageAddress } from './blocked.js';
import { TritError, throwIfAborted } from './errors.js';

/**
 * The bytes of an address, which the engine's worker asks for (downloads.js).
 * @param {import('./client.js').Client} client
 * @param {string | URL} address
 * @param {AbortSignal} signal by whose abort it ends, also when nobody reads it
 * @param {import('./fetching.js').Want} want
 * @returns {Promise<import('./source.js').Opened>}
 */
export async function openAddress(client, address, signal, { onWait, ...want }) {
    /** @type {Uint8Array | undefined} */
    let chunk;
    const onEvent = (/** @type {{waits?: true, chunk?: Uint8Array}} */ event) => {
        if (event.waits) onWait?.();
        else chunk = event.chunk;
    };
    const asked = { signal, onEvent, beside: true };
    const url = absolute(address);
    const { id, total, version } = await client.call('openDownload', [url, want], asked);
    const end = () => {
        signal.removeEventListener('abort', end);
        client.call('endDownload', [id], { beside: true }).catch(() => {}); // nor is there an engine
    };
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    throwIfAborted(signal);

    async function* chunks() {
        try {
            while (await client.call('nextOfDownload', [id], asked))
                yield /** @type {Uint8Array} */ (chunk);
        } finally {
            end();
        }
    }
    return { total, version, chunks: chunks() };
}

/**
 * A page's address is relative to the page, and the worker is elsewhere.
 * @param {string | URL} address
 */
function absolute(address) {
    try {
        return new URL(address, pageAddress()).href;
    } catch (error) {
        throw TritError.from(error, 'PARAM');
    }
}
