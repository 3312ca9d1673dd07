import { TritError } from './errors.js';
import { throwIfStopped } from './session.js';

/** @typedef {import('./session.js').Job} Job */
/** @typedef {import('./protocol.js').Missing} Missing */

/** @param {number} low @param {number} high */
const wide = (low, high) => low + 2 ** 32 * high;

/**
 * Whether all values are texts.
 * @param {any} value
 */
const areTexts = (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((each) => typeof each === 'string');

/**
 * What is kept with a model, as every page of the site could have written it with the right hash.
 * @param {string} text
 * @returns {any} null for what is not of this library
 */
function readAbout(text) {
    try {
        const about = JSON.parse(text);
        const { source, as, named = {}, version = {} } = about;
        const isOurs = Array.isArray(source) && [source, as, named, version].every(areTexts);
        return isOurs ? about : null;
    } catch {
        return null;
    }
}

/** The model of the store that this engine loads or stores. What it does is done by C (wasm/stored.h). */
export class Storing {
    #c;
    #begun = false;

    /** @param {import('./bindings.js').Bindings} c */
    constructor(c) {
        this.#c = c;
    }

    /**
     * @param {Job} job
     * @param {string} name
     * @param {...number} args
     */
    async #later(job, name, ...args) {
        throwIfStopped(job);
        job.stop = () => this.#c.cancel();
        try {
            return await this.#c.later(name, ...args);
        } catch (error) {
            throw error instanceof TritError && error.code === 'QUOTA'
                ? this.#noRoom(error)
                : error;
        } finally {
            job.stop = undefined;
        }
    }

    /** @param {TritError} error */
    #noRoom(error) {
        const [low, high] = this.#c.filled('stored_lacks', 2);
        const needed = wide(low, high) || undefined;
        const message = needed ? `${error.message}; ${needed} bytes are missing` : error.message;
        return new TritError(error.code, message, { cause: error, needed });
    }

    /**
     * @param {{source: string, about: any, recordBytes: number, sha256?: string}} what
     * @param {Job} job
     */
    async open({ source, about, recordBytes, sha256 }, job) {
        const c = this.#c;
        await this.#later(job, 'stored_clear');
        const digest = sha256
            ? Uint8Array.from(sha256.match(/../g) ?? [], (hex) => parseInt(hex, 16))
            : undefined;
        const places = [source, JSON.stringify(about)].map((text) => c.keep(text));
        const expected = digest ? c.keep(digest) : { address: 0 };
        try {
            const [from, to] = places;
            const args = [from.address, from.n, to.address, to.n, recordBytes, expected.address];
            await this.#later(job, 'stored_open', ...args);
        } finally {
            for (const { address } of [...places, expected]) c.free(address);
        }
        this.#begun = this.missing().state === 'complete';
    }

    /** The words of trit_js_stored_need. */
    #need() {
        return this.#c.filled('stored_need', 11);
    }

    /** @returns {Missing} */
    missing() {
        const [state, origin, low, high, endLow, endHigh, read, whole, atOnce] = this.#need();
        return {
            state: state === 2 ? 'complete' : 'partial',
            imported: origin === 2,
            read: read === 1,
            whole: whole === 1,
            atOnce: atOnce === 1,
            begin: wide(low, high),
            end: wide(endLow, endHigh) || undefined,
        };
    }

    /**
     * Hands records to the loader, as far as they are there.
     * @param {number} loader
     * @param {Job} job
     * @param {(loaded: number) => void} onProgress
     */
    async read(loader, job, onProgress) {
        while ((await this.#later(job, 'stored_read', loader)) === 'CONTINUE')
            onProgress(this.missing().begin);
        return this.missing();
    }

    /**
     * An import that is not whole goes on: what is missing of its source.
     * @param {number} loader a new one at first, which gets the source's header
     * @param {Job} job
     */
    async resume(loader, job) {
        await this.#later(job, 'stored_resume', loader);
        await this.#storeUnits(job);
        await this.#later(job, 'stored_room');
        return this.missing();
    }

    /**
     * What has become known of an import.
     * @param {Job} job
     */
    async #storeUnits(job) {
        while ((await this.#later(job, 'stored_unit')) === 'CONTINUE');
    }

    /** What is kept with the model, as it was found or described. */
    about() {
        const about = readAbout(this.#c.string('stored_about'));
        if (about) return about;
        const sentence =
            'what is stored is not of this library: Trit.deleteModel(id) or Trit.resetStorage() takes it away';
        throw new TritError('DB_BROKEN', sentence);
    }

    /** @param {any} about what is to be kept with it */
    describe(about) {
        this.#c.with(JSON.stringify(about), (text, n) => this.#c.call('stored_describe', text, n));
    }

    /** @param {number} total of the source, before its first byte */
    announce(total) {
        this.#c.call('stored_total', total % 2 ** 32, Math.floor(total / 2 ** 32));
    }

    /**
     * Bytes of the source, for the loader and the store.
     * @param {number} loader
     * @param {Uint8Array} bytes
     * @param {Job} job
     */
    async push(loader, bytes, job) {
        const recordBytes = this.#need()[9];
        for (let at = 0; at < bytes.length; at += recordBytes) {
            await this.#later(job, 'stored_room');
            this.#c.with(bytes.subarray(at, at + recordBytes), (address, n) =>
                this.#c.call('stored_push', loader, address, n),
            );
            if (!this.#begun && this.#need()[10] === 1) {
                await this.#later(job, 'stored_begin');
                this.#begun = true;
            }
            await this.#storeUnits(job);
        }
    }

    /**
     * The source has come to an end, or to records that are there.
     * @param {Job} job
     */
    async flush(job) {
        await this.#later(job, 'stored_flush');
        this.#c.call('stored_hashed');
        return this.missing();
    }

    /**
     * Waits until what is on its way is stored.
     * @param {Job} job
     */
    async settle(job) {
        await this.#later(job, 'stored_room');
    }

    /**
     * The loader is content: the model becomes one of the store's.
     * @param {number} model
     * @param {Job} job
     * @param {(loaded: number) => void} onProgress
     */
    async complete(model, job, onProgress) {
        const { atOnce, whole } = await this.flush(job);
        if (atOnce && !whole)
            while ((await this.#later(job, 'stored_import', model)) === 'CONTINUE')
                onProgress(this.missing().begin);
        await this.#later(job, 'stored_finish');
        const now = Date.now();
        try {
            await this.#later(job, 'stored_use', now % 2 ** 32, Math.floor(now / 2 ** 32));
        } catch (error) {
            // the model does not depend on it
            if (!(error instanceof TritError) || error.code === 'ABORTED') throw error;
        }
    }

    /**
     * Forgets what has come, unless the model is complete.
     * @param {Job} job
     */
    async drop(job) {
        await this.settle(job).catch(() => {}); // what failed on its way has been told
        await this.#later(job, 'stored_drop');
        await this.close();
    }

    /**
     * @param {Job} job
     * @returns {Promise<import('./protocol.js').StoredModel[]>}
     */
    async list(job) {
        await this.#later(job, 'stored_clear');
        await this.#later(job, 'stored_manifests');
        /** @type {any[]} */
        const models = JSON.parse(this.#c.string('stored_listing'));
        return models.map((model) => ({ ...model, about: readAbout(model.about) }));
    }

    /**
     * @param {string} id
     * @param {Job} job
     */
    async remove(id, job) {
        const name = this.#c.keep(`${id}\0`);
        try {
            await this.#later(job, 'stored_remove', name.address);
            await this.#c.storeReleased();
        } finally {
            this.#c.free(name.address);
        }
    }

    /** @param {Job} job */
    async reset(job) {
        await this.#later(job, 'stored_reset');
    }

    async close() {
        this.#c.plain('stored_close');
        await this.#c.storeReleased();
    }
}
