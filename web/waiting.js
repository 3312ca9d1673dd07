import { untilAborted } from './errors.js';

/** A browser that knows that it has no network; Node and Deno do not say. */
export const isOffline = () => globalThis.navigator?.onLine === false;

/**
 * How long to wait before the n-th try in a row: 1, 2, 4 … times the first delay, each a quarter more or less, so
 * that those who lost the same server do not come back as one.
 * @param {number} n from 1
 * @param {{delayMs: number, mostDelayMs: number}} patience
 */
export const backOff = (n, { delayMs, mostDelayMs }) =>
    Math.min(mostDelayMs, delayMs * 2 ** (n - 1)) * (0.75 + Math.random() / 2);

/**
 * Waits so many milliseconds, or until there is a network again: without one as long as it takes.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 */
export async function pause(ms, signal) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let end = () => {};
    const over = /** @type {Promise<void>} */ (
        new Promise((resolve) => {
            end = resolve;
            globalThis.addEventListener?.('online', end);
            if (!isOffline()) timer = setTimeout(end, ms);
        })
    );
    try {
        await untilAborted(over, signal);
    } finally {
        clearTimeout(timer);
        globalThis.removeEventListener?.('online', end);
    }
}
