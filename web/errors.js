/**
 * The one kind of error that this package throws on purpose.
 *
 * `code` is stable and made for programs: the names of the engine's list (`TRIT_STATUS_MAP` in core/trit.h: `PARAM`,
 * `PROMPT_TOO_LONG`, `BAD_TENSOR_SHAPE`, `IN_USE` …) and those of the JavaScript side. `message` is one sentence made
 * for people.
 *
 * Of a source, from the engine or before it:
 * - `NETWORK` no connection, a broken one, or a refusal of the server (then `cause.status` is its number)
 * - `CORS` the browser does not let the page read the server's answers; or it is not there, which cannot be told apart
 * - `CSP` the policy of the engine's worker forbids the address, or where it leads
 * - `NOT_A_MODEL` a page for people, or other bytes than those of a model; nothing of it is stored
 * - `MANIFEST` what a hub says of a repository is no list of files
 * - `SIZE` an empty answer, or another length than was announced or promised
 * - `RANGE` the server sends other parts than are asked for
 * - `ENCODING` the server compresses the file so that it cannot be put together
 * - `SOURCE_CHANGED` the file is another one than when its first bytes came; what is stored stays until it is deleted
 * - `HASH` the file is not the one of the SHA-256; nothing of it stays stored
 * - `FILE` a file or folder cannot be read or written
 * - `NOT_STORED` no model of this id is stored; `IMPORT_AGAIN` a part of it is missing, and only its file has it
 *
 * Of storage: `STORAGE`, `QUOTA` (no room), `NO_STORAGE` (none here), `STORAGE_TIMEOUT`, `DB_BROKEN` (begin a new one),
 * `DB_BLOCKED` (another tab holds an older version), `DB_CLOSED`, `DB_NEWER`. Of the engine's life: `RUNTIME_LOAD`,
 * `WORKER_ORIGIN`, `ENGINE_CRASHED`, `DISPOSED` (closed), `ABORTED` (by the caller), `TEMPLATE`.
 */
export class TritError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{cause?: unknown, needed?: number}} [options]
     */
    constructor(code, message, { cause, needed } = {}) {
        super(message, cause === undefined ? undefined : { cause });
        this.name = 'TritError';
        /** @type {string} */
        this.code = code;
        // where nobody catches it, what there is none of is not shown
        if (needed !== undefined) {
            /** @type {number | undefined} of QUOTA: bytes of the model that are not stored yet, when its length is known */
            this.needed = needed;
        }
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
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop);
    });
    try {
        return await Promise.race([work, /** @type {Promise<never>} */ (stopped)]);
    } finally {
        signal.removeEventListener('abort', stop);
    }
}
