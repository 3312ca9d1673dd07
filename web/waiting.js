import { throwIfAborted, untilAborted } from './errors.js';

/** A browser that knows that it has no network; Node and Deno do not say. */
export const isOffline = () => globalThis.navigator?.onLine === false;

/** Milliseconds between two looks whether there is a network: workers of Chromium are not told when it comes. */
const LOOK_MS = 250;

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
    throwIfAborted(signal);
    const end = performance.now() + ms;
    for (let wasOffline = isOffline(); ;) {
        const left = end - performance.now();
        if (!isOffline() && (wasOffline || left <= 0)) return;
        wasOffline = isOffline();
        await sleep(wasOffline ? LOOK_MS : Math.min(LOOK_MS, left), signal);
    }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 */
async function sleep(ms, signal) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    try {
        await untilAborted(new Promise((resolve) => (timer = setTimeout(resolve, ms))), signal);
    } finally {
        clearTimeout(timer);
    }
}
