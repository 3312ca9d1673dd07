/**
 * The one kind of error that this package throws on purpose.
 *
 * `code` is stable and made for programs: the names of the engine's list (`BAD_TENSOR_SHAPE`,
 * `PROMPT_TOO_LONG`, `PARAM` …) and those of the JavaScript side: `NETWORK`, `FILE`, `DISPOSED`,
 * `RUNTIME_LOAD`, `WORKER_ORIGIN`, `ENGINE_CRASHED`, `TEMPLATE`. `message` is one sentence made for people.
 */
export class TritError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{cause?: unknown}} [options]
     */
    constructor(code, message, options) {
        super(message, options);
        this.name = 'TritError';
        /** @type {string} */
        this.code = code;
    }

    /**
     * Whatever was thrown, as a TritError.
     * @param {unknown} error
     * @param {string} code used when it is of another kind
     * @returns {TritError}
     */
    static from(error, code) {
        if (error instanceof TritError) return error;
        const message = error instanceof Error ? error.message : String(error);
        return new TritError(code, message, { cause: error });
    }
}

/** @param {AbortSignal} signal */
const aborted = (signal) =>
    new TritError('ABORTED', 'the work was stopped by the caller', { cause: signal.reason });

/**
 * @param {AbortSignal | undefined} signal
 */
export function throwIfAborted(signal) {
    if (signal?.aborted) throw aborted(signal);
}

/**
 * What the work comes to, or ABORTED at once, whatever the work is waiting for.
 * @template T
 * @param {Promise<T>} work
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
export async function untilAborted(work, signal) {
    if (!signal) return work;
    let stop = () => {};
    const stopped = new Promise((_, reject) => {
        stop = () => reject(aborted(signal));
        signal.addEventListener('abort', stop);
    });
    try {
        return await Promise.race([work, /** @type {Promise<never>} */ (stopped)]);
    } finally {
        signal.removeEventListener('abort', stop);
    }
}
