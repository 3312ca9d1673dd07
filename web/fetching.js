import { corsError, isForeign, isThere, policyError, watchPolicy } from './blocked.js';
import { defaults } from './defaults.js';
import { TritError, throwIfAborted } from './errors.js';
import { Interruption, isOther, readResponse } from './responses.js';
import { backOff, isOffline, pause } from './waiting.js';

/** @typedef {import('./responses.js').Version} Version */
/** @typedef {import('./responses.js').Brought} Brought */

/**
 * How a download goes, and goes on when it breaks off; what is left out is as in web/defaults.js.
 * @typedef {object} Patience
 * @property {number} askedBytes that are asked for at once
 * @property {number} stallMs a connection that is silent for so long has broken
 * @property {number} delayMs before the first try after a break; each further one in a row waits twice as long
 * @property {number} mostDelayMs
 * @property {number} tries in a row that bring nothing, before it is given up
 * @property {number} firstTries the same while the address has never answered
 *
 * What is wanted of an address: its bytes from begin up to end.
 * @typedef {object} Want
 * @property {number} [begin]
 * @property {number} [end]
 * @property {number} [total] bytes that the file must have
 * @property {Version} [version] that the file must have
 * @property {boolean} [reload] not from the browser's cache
 * @property {Partial<Patience>} [network]
 * @property {() => void} [onWait] there is a break, and the download will go on by itself
 */

/**
 * The bytes of an address. A download that breaks off goes on where it was.
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 * @param {Want} [want]
 * @returns {Promise<import('./source.js').Opened>}
 */
export async function openUrl(url, signal, want = {}) {
    const download = new Download(String(url), signal, want);
    const first = await download.ask();
    const { total, version } = download;
    return { total, version, chunks: download.chunks(first) };
}

/**
 * @typedef {Brought & {reader: ReadableStreamDefaultReader<Uint8Array>}} Answer
 */

class Download {
    /** @type {number | undefined} */
    total;
    /** @type {Version} */
    version;
    #url;
    #signal;
    #want;
    /** @type {Patience} */
    #patience;
    /** The place in the file of the next byte that is handed on. */
    #at;
    /** Of the request that is under way. */
    #stop = new AbortController();
    #end = () => this.#stop.abort();
    #answered = false;
    /** Tries in a row that have brought nothing. */
    #failures = 0;
    #reload;
    /** A redirect may have led to an address that is no longer valid; asked for anew once. */
    #renewed = false;
    /** Whether all that is left is asked for at once, as the server does not tell how much that is. */
    #wantsAll = false;
    /** Where an answer ended too early without an error. */
    #shortAt = -1;

    /**
     * @param {string} url
     * @param {AbortSignal | undefined} signal
     * @param {Want} want
     */
    constructor(url, signal, want) {
        this.#url = url;
        this.#signal = signal;
        this.#want = want;
        this.#patience = { ...defaults.network, ...want.network };
        this.#at = want.begin ?? 0;
        this.#reload = want.reload ?? false;
        this.version = want.version ?? {};
        // also an answer that nobody reads
        signal?.addEventListener('abort', this.#end, { once: true });
    }

    /**
     * Asks for what is missing until there is an answer.
     * @returns {Promise<Answer>}
     */
    async ask() {
        for (;;) {
            throwIfAborted(this.#signal);
            try {
                const end = this.#askedEnd();
                const answer = this.#accept(await this.#request(end), end);
                if (!answer.isHidden || end === this.#want.end) return answer;
                this.#wantsAll = true;
                this.#stop.abort();
            } catch (error) {
                await this.#bear(error);
            }
        }
    }

    /** A browser may read on as fast as the server sends, into its own memory, however slowly we take it. */
    #askedEnd() {
        const { end } = this.#want;
        return this.#wantsAll
            ? end
            : Math.min(end ?? Infinity, this.#at + this.#patience.askedBytes);
    }

    /**
     * @param {Answer} answer
     * @returns {AsyncGenerator<Uint8Array>}
     */
    async *chunks(answer) {
        try {
            for (;;) {
                try {
                    yield* this.#read(answer);
                    if (this.#at >= this.#endOfWanted(answer)) return;
                } catch (error) {
                    await this.#bear(error);
                }
                answer = await this.ask();
            }
        } finally {
            this.#signal?.removeEventListener('abort', this.#end);
        }
    }

    /**
     * Waits after a break, or throws what cannot be borne.
     * @param {unknown} error
     */
    async #bear(error) {
        if (!(error instanceof Interruption)) throw error;
        const { tries, firstTries } = this.#patience;
        if (++this.#failures >= (this.#answered ? tries : firstTries)) throw error.error;
        this.#want.onWait?.();
        await pause(error.afterMs ?? backOff(this.#failures, this.#patience), this.#signal);
    }

    /**
     * @param {number | undefined} end
     * @returns {Promise<Response>}
     */
    async #request(end) {
        // With a range the server compresses nothing, and tells at once whether it can go on in the middle.
        const range = `bytes=${this.#at}-${end === undefined ? '' : end - 1}`;
        this.#stop = new AbortController();
        const { signal } = this.#stop;
        const cache = this.#reload ? 'reload' : 'default';
        const policy = watchPolicy(this.#url);
        try {
            return await this.#patiently(() =>
                fetch(this.#url, { signal, cache, headers: { range } }),
            );
        } catch (error) {
            if (!(error instanceof Interruption)) throw error;
            throw (await policy.forbidden()) ? policyError(this.#url) : await this.#explain(error);
        } finally {
            policy.end();
        }
    }

    /**
     * @param {Response} response
     * @param {number | undefined} end
     * @returns {Answer}
     */
    #accept(response, end) {
        try {
            const brought = readResponse(response, this.#url, this.#at, end);
            this.#compare(brought);
            this.#answered = true;
            // without a body the server has said that nothing is left
            const body = response.status === 416 ? null : response.body;
            const reader = (body ?? new Blob().stream()).getReader();
            return { ...brought, reader };
        } catch (error) {
            this.#stop.abort(); // its body is of no use
            const isFinal = this.#renewed || !response.redirected || response.status < 400;
            if (isFinal || !(error instanceof TritError)) throw error;
            this.#renewed = this.#reload = true;
            throw new Interruption(error, 0);
        }
    }

    /**
     * An answer must be of the file that it was until now.
     * @param {Brought} brought
     */
    #compare({ total, version }) {
        const { total: promised } = this.#want;
        const announced = total ?? this.total;
        if (promised !== undefined && announced !== undefined && announced !== promised)
            throw new TritError(
                'SIZE',
                `${this.#url} has ${announced} bytes, not ${promised}: it is another file`,
            );
        if ((this.total ?? announced) !== announced || isOther(this.version, version))
            throw new TritError(
                'SOURCE_CHANGED',
                `${this.#url} is another file than when its first bytes came: delete what is stored of it and load it again`,
            );
        this.total = announced ?? promised;
        this.version = { ...this.version, ...version };
    }

    /**
     * Why there was no answer, as far as that can be known.
     * @param {Interruption} interruption
     */
    async #explain(interruption) {
        if (this.#answered || !isForeign(this.#url) || isOffline()) return interruption;
        const cors = corsError(this.#url, interruption.error.cause);
        if (await isThere(this.#url, this.#patience.stallMs, this.#signal))
            // a network that was away for a moment only is not blamed on the server
            return this.#failures > 0 ? cors : new Interruption(cors, 0);
        return globalThis.crossOriginIsolated ? new Interruption(cors) : interruption;
    }

    /**
     * @param {Answer} answer
     * @returns {AsyncGenerator<Uint8Array>}
     */
    async *#read(answer) {
        const { reader, to } = answer;
        const end = this.#endOfWanted(answer);
        let at = answer.from; // a server that cannot go on in the middle begins anew
        try {
            while (this.#at < end) {
                const { done, value } = await this.#patiently(() => reader.read());
                if (done) break;
                const skipped = Math.max(0, this.#at - at);
                at += value.length;
                if (to !== undefined && at > to) throw this.#tooLong(answer.isCounted);
                const chunk = value.subarray(skipped, value.length - Math.max(0, at - end));
                if (chunk.length === 0) continue;
                this.#at += chunk.length;
                this.#failures = 0;
                this.#renewed = false;
                yield chunk;
            }
            if (at === this.total && !answer.isCounted) await this.#endOf(reader);
        } finally {
            // nobody reads on: the connection can go
            await reader.cancel().catch(() => {});
        }
        if (to === undefined && this.total === undefined) this.#endsAt(at);
        else if (this.#at < Math.min(end, to ?? end)) throw this.#tooShort();
    }

    /**
     * All bytes are there, and nobody but the connection's end says that no others follow.
     * @param {ReadableStreamDefaultReader<Uint8Array>} reader
     */
    async #endOf(reader) {
        try {
            if ((await this.#patiently(() => reader.read())).done) return;
        } catch (error) {
            if (error instanceof Interruption) return;
            throw error;
        }
        throw this.#tooLong(false);
    }

    /**
     * @param {Answer} answer
     * @returns {number} where nothing more is wanted
     */
    #endOfWanted({ to }) {
        return Math.min(this.#want.end ?? Infinity, this.total ?? to ?? Infinity);
    }

    /**
     * A server that told no length has come to its end.
     * @param {number} at
     */
    #endsAt(at) {
        if (at === 0) throw new TritError('SIZE', `the server sent nothing for ${this.#url}`);
        if (at < this.#at) throw this.#tooShort(); // it began anew, and broke off earlier
        this.total = at;
    }

    /** An end without an error. At the same place twice, it is where the file ends. */
    #tooShort() {
        const error = new TritError(
            'SIZE',
            `${this.#url} ends at byte ${this.#at}, and its server has announced more: download it again`,
        );
        if (this.#shortAt === this.#at) return error;
        this.#shortAt = this.#at;
        return new Interruption(error);
    }

    /**
     * More bytes than were announced. Where the protocol counts them, they were compressed and the browser hides it.
     * @param {boolean} isCounted
     */
    #tooLong(isCounted) {
        this.#stop.abort();
        return isCounted
            ? new TritError(
                  'ENCODING',
                  `the server compresses ${this.#url} without saying so: let it send the file as it is`,
              )
            : new TritError(
                  'SIZE',
                  `the server sends more bytes of ${this.#url} than it has announced: download it again`,
              );
    }

    /**
     * What a step of the request comes to; silence, too, is a break.
     * @template T
     * @param {() => Promise<T>} step
     * @returns {Promise<T>}
     */
    async #patiently(step) {
        const { stallMs } = this.#patience;
        const stop = this.#stop;
        const timer = setTimeout(() => stop.abort(), stallMs);
        try {
            throwIfAborted(this.#signal);
            return await step();
        } catch (error) {
            throwIfAborted(this.#signal);
            throw new Interruption(brokenError(error, stop.signal.aborted && stallMs));
        } finally {
            clearTimeout(timer);
        }
    }
}

/**
 * @param {any} cause
 * @param {number | false} silentMs
 */
function brokenError(cause, silentMs) {
    const code = cause?.cause?.code;
    const what = silentMs
        ? `no byte has come for ${silentMs / 1000} seconds`
        : `the download failed${code ? ` (${code})` : ''}`;
    return new TritError('NETWORK', `${what}: check the connection and try again`, { cause });
}
