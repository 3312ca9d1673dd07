import { TritError } from './errors.js';

/** Words of results that one call can write. */
const SCRATCH_WORDS = 11;

/** Of ours, that bodies of the store give; a system has others of its own. */
const STORE_CODES = /^(OOM|QUOTA|NO_STORAGE|STORAGE|STORAGE_TIMEOUT|DB_\w+)$/;

const encoder = new TextEncoder();

/**
 * What a browser's storage says of a failure, with a code of ours.
 * @param {any} reason
 * @param {string} text
 */
function storageError(reason, text) {
    const codes = { QuotaExceededError: 'QUOTA', AbortError: 'ABORTED', VersionError: 'DB_NEWER' };
    const name = /** @type {keyof typeof codes} */ (reason?.name);
    const own = STORE_CODES.test(reason?.code);
    const code = own ? reason.code : (codes[name] ?? 'STORAGE');
    const message =
        code === 'QUOTA'
            ? 'there is no room left to store the model: free some (Trit.makeRoom), or load it with store: false'
            : code === 'DB_NEWER'
              ? 'a newer version has laid this storage out: reload the page'
              : reason?.message || text;
    return new TritError(code, message, { cause: reason });
}

/**
 * Typed calls over the exports of one module. Nothing else touches Emscripten's object.
 *
 * The memory may move when it grows, so views are made anew for every use.
 */
export class Bindings {
    #module;
    #scratch;
    /** @type {Map<number, {name: string, text: string}>} */
    #statuses;

    /** @type {{resolve: (status: string) => void, reject: (error: unknown) => void} | undefined} */
    #request;

    /** @param {any} module */
    constructor(module) {
        this.#module = module;
        module.finished = (/** @type {number} */ value, /** @type {unknown} */ reason) =>
            this.#finish(value, reason);
        module.crashed = (/** @type {unknown} */ trap) => {
            this.#request?.reject(trap);
            this.#request = undefined;
        };
        const description = JSON.parse(this.string('describe'));
        this.#statuses = new Map(
            description.statuses.map(
                (/** @type {[number, string, string]} */ [value, name, text]) => [
                    value,
                    { name, text },
                ],
            ),
        );
        /** @type {Record<string, Record<string, number>>} */
        this.constants = {};
        for (const [group, name, value] of description.constants)
            // words come from callers: "constructor" must not be found
            (this.constants[group] ??= Object.create(null))[name] = value;
        /** @type {boolean} */
        this.relaxed = description.relaxed;
        this.#scratch = this.alloc(4 * SCRATCH_WORDS);
    }

    /** @returns {ArrayBufferLike} */
    get buffer() {
        return this.#module.wasmMemory.buffer;
    }

    /** @param {(pointer: number, nBytes: number) => number} sink receives a file being written */
    set sink(sink) {
        this.#module.sink = sink;
    }

    /**
     * A call without a status: its plain result.
     * @param {string} name without the prefix
     * @param {...number} args
     * @returns {number}
     */
    plain(name, ...args) {
        return this.#module[`_trit_js_${name}`](...args);
    }

    /**
     * A call with a status: returns its name when it is no failure, throws otherwise.
     * @param {string} name
     * @param {...number} args
     * @returns {string}
     */
    call(name, ...args) {
        const value = this.plain(name, ...args);
        const status = this.#statuses.get(value) ?? { name: 'UNKNOWN', text: 'unknown error' };
        if (value < 0) throw this.#failure(status);
        return status.name;
    }

    /**
     * A request of the store: C answers later, and until then takes no other one.
     * @param {string} name
     * @param {...number} args
     * @returns {Promise<string>} as `call`
     */
    later(name, ...args) {
        return new Promise((resolve, reject) => {
            this.#request = { resolve, reject };
            this.plain(name, ...args);
        });
    }

    /**
     * @param {number} value
     * @param {unknown} reason what the store says of a failure
     */
    #finish(value, reason) {
        const request = this.#request;
        this.#request = undefined;
        const status = this.#statuses.get(value) ?? { name: 'UNKNOWN', text: 'unknown error' };
        if (value >= 0) request?.resolve(status.name);
        else if (status.name === 'STORAGE') request?.reject(storageError(reason, status.text));
        else request?.reject(this.#failure(status));
    }

    /** @param {{name: string, text: string}} status */
    #failure({ name, text }) {
        const message = this.string('error_message') || text;
        return new TritError(name, name === 'OOM' ? `${message} (${this.#room()})` : message);
    }

    /** What there is, beside what was needed. */
    #room() {
        return `the engine has ${Math.floor(this.buffer.byteLength / 1e6)} MB`;
    }

    /** Ends the request that is under way, if there is one; its answer will be dropped. */
    cancel() {
        this.plain('stored_close');
        const request = this.#request;
        this.#request = undefined;
        request?.reject(new TritError('ABORTED', 'the work was stopped by the caller'));
    }

    /** @param {any} store another body than IndexedDB */
    set store(store) {
        this.#module.store = store;
    }

    /** @returns {string | undefined} what the user should know of the storage */
    get storeNote() {
        return this.#module.store?.note;
    }

    /** @returns {Promise<void>} when the lock that C has given back is free for others */
    async storeReleased() {
        await this.#module.storeReleased();
    }

    /** @returns {Record<string, number>} how often C has called each function of the store */
    storeCalls() {
        return { ...this.#module.storeCalls };
    }

    /**
     * A call whose last argument is the place of one result.
     * @param {string} name
     * @param {...number} args
     * @returns {number} the result as an unsigned word: an address or a count
     */
    make(name, ...args) {
        this.call(name, ...args, this.#scratch);
        return this.words(this.#scratch, 1)[0];
    }

    /** @returns {string} the kernels that are fastest on this processor, as measured now */
    tune() {
        const capacity = 256;
        const text = this.alloc(capacity);
        try {
            this.call('kernels_tune', text, capacity);
            const bytes = this.copy(text, capacity);
            return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
        } finally {
            this.free(text);
        }
    }

    /**
     * A call that fills an array of ids whose length is not known before.
     * @param {string} name its last arguments are ids, capacity, n_ids
     * @param {number[]} args
     * @param {number} guess
     * @returns {number[]}
     */
    ids(name, args, guess) {
        for (let capacity = guess; ;) {
            const memory = this.alloc(4 * capacity);
            try {
                this.words(this.#scratch, 1)[0] = 0;
                this.call(name, ...args, memory, capacity, this.#scratch);
                const n = this.words(this.#scratch, 1)[0];
                return Array.from(new Int32Array(this.buffer, memory, n));
            } catch (error) {
                const needed = this.words(this.#scratch, 1)[0];
                if (needed <= capacity) throw error;
                capacity = needed;
            } finally {
                this.free(memory);
            }
        }
    }

    /**
     * @param {number} model
     * @param {number} id
     * @returns {{bytes: Uint8Array, special: boolean}} the bytes are a copy
     */
    tokenBytes(model, id) {
        this.call('token_bytes', model, id, this.#scratch);
        const [address, n, special] = this.words(this.#scratch, 3);
        return { bytes: this.copy(address, n), special: special === 1 };
    }

    /**
     * @param {number} address
     * @param {number} n
     */
    words(address, n) {
        return new Uint32Array(this.buffer, address, n);
    }

    /**
     * @param {number} address
     * @param {number} n
     */
    floats(address, n) {
        return new Float32Array(this.buffer, address, n);
    }

    /**
     * Bytes in memory of their own: TextDecoder refuses shared memory, and files outlive a growth.
     * @param {number} address
     * @param {number} n
     */
    copy(address, n) {
        return Uint8Array.from(new Uint8Array(this.buffer, address, n));
    }

    /**
     * The text that a call returns, up to its NUL.
     * @param {string} name
     * @param {...number} args
     */
    string(name, ...args) {
        const begin = this.plain(name, ...args) >>> 0;
        const end = new Uint8Array(this.buffer).indexOf(0, begin);
        return new TextDecoder().decode(this.copy(begin, end - begin));
    }

    /**
     * A copy of the data in the engine's memory, until it is freed; for requests, which outlive a call.
     * @param {Uint8Array | string} data
     */
    keep(data) {
        const bytes = typeof data === 'string' ? encoder.encode(data) : data;
        const address = this.alloc(bytes.length);
        new Uint8Array(this.buffer, address, bytes.length).set(bytes);
        return { address, n: bytes.length };
    }

    /**
     * A call whose last argument is the place of n results.
     * @param {string} name
     * @param {number} n
     */
    filled(name, n) {
        this.call(name, this.#scratch);
        return Array.from(this.words(this.#scratch, n));
    }

    /** @param {number} nBytes */
    alloc(nBytes) {
        // the engine's addresses have 32 bits: it would be given the rest of a longer length
        const address = nBytes < 2 ** 32 ? this.plain('alloc', nBytes || 1) >>> 0 : 0;
        if (address === 0)
            throw new TritError('OOM', `no memory for ${nBytes} bytes (${this.#room()})`);
        return address;
    }

    /** @param {number} address */
    free(address) {
        this.plain('free', address);
    }

    /**
     * Calls use(address, length) with a copy of the data in the engine's memory.
     * @template T
     * @param {Uint8Array | Int32Array | Float32Array | Uint32Array | string} data text gets a NUL
     * @param {(address: number, length: number) => T} use
     * @returns {T}
     */
    with(data, use) {
        const array = typeof data === 'string' ? encoder.encode(data + '\0') : data;
        const address = this.alloc(array.byteLength);
        try {
            new Uint8Array(this.buffer, address, array.byteLength).set(
                new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
            );
            return use(address, typeof data === 'string' ? array.length - 1 : array.length);
        } finally {
            this.free(address);
        }
    }
}
