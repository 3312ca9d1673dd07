import { openUrl } from './fetching.js';

/** @typedef {import('./engine.js').Job} Job */
/** @typedef {(event: any, transfer?: any[]) => void} Emit */

/**
 * @typedef {object} Download
 * @property {AsyncGenerator<Uint8Array>} chunks
 * @property {AbortController} stop
 * @property {Emit} emit tells whoever waits for it now
 */

/**
 * What comes from addresses, for the page. It is asked for in the worker, as Chromium reads an answer on the thread that has
 * asked, and on a page's keeps it busy for as long as the bytes come fast.
 */
export class Downloads {
    /** @type {Map<number, Download>} */
    #open = new Map();
    #lastId = 0;

    /**
     * @param {string} url
     * @param {import('./fetching.js').Want} want
     * @param {Job} job
     * @param {Emit} emit
     */
    async open(url, want, job, emit) {
        const stop = new AbortController();
        const download = { stop, emit };
        const onWait = () => download.emit({ waits: true });
        const { total, version, chunks } = await during(job, stop, () =>
            openUrl(url, stop.signal, { ...want, onWait }),
        );
        const id = ++this.#lastId;
        this.#open.set(id, Object.assign(download, { chunks }));
        return { id, total, version };
    }

    /**
     * @param {number} id
     * @param {Job} job
     * @param {Emit} emit
     * @returns {Promise<boolean>} false: nothing is left
     */
    async next(id, job, emit) {
        const download = this.#open.get(id);
        if (!download) return false;
        download.emit = emit;
        const { done, value } = await during(job, download.stop, () => download.chunks.next());
        if (!done) emit({ chunk: value }, [value.buffer]);
        return !done;
    }

    /** @param {number} id of which nobody wants more */
    end(id) {
        this.#open.get(id)?.stop.abort();
        this.#open.delete(id);
    }
}

/**
 * @template T
 * @param {Job} job
 * @param {AbortController} stop
 * @param {() => Promise<T>} work which ends when the job is to
 */
async function during(job, stop, work) {
    job.stop = () => stop.abort();
    if (job.aborted) job.stop();
    return work();
}
