/**
 * The one kind of error that this package throws on purpose.
 *
 * `code` is stable and made for programs: the names of the engine's list (`BAD_TENSOR_SHAPE`,
 * `PROMPT_TOO_LONG`, `PARAM` …) and those of the JavaScript side: `NETWORK`, `FILE`, `DISPOSED`,
 * `RUNTIME_LOAD`, `ENGINE_CRASHED`. `message` is one sentence made for people.
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

/**
 * @param {AbortSignal | undefined} signal
 */
export function throwIfAborted(signal) {
    if (!signal?.aborted) return;
    throw new TritError('ABORTED', 'the work was stopped by the caller', { cause: signal.reason });
}
