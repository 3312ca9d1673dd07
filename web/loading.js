import { TritError } from './errors.js';
import { sideFiles } from './source.js';

/** A model on its way into the engine: its side files, then its bytes. */
export class Loading {
    #c;
    #loader;

    get address() {
        return this.#loader;
    }

    /**
     * @param {import('./bindings.js').Bindings} c
     * @param {{head?: string, kernels: string, i2s?: string}} options as in LoadOptions
     * @param {number} pool
     */
    constructor(c, { head = 'as-is', kernels, i2s = 'x86' }, pool) {
        const value = c.constants.head[head];
        const layout = c.constants.i2s[i2s];
        if (value === undefined) throw new TritError('PARAM', 'head is not one of int8 and f16');
        if (layout === undefined)
            throw new TritError('PARAM', 'i2s is not one of x86, arm and rows');
        this.#c = c;
        this.#loader = c.with(kernels, (text) => c.make('loader_new', value, text));
        c.call('loader_i2_s', this.#loader, layout);
        c.call('loader_pool', this.#loader, pool);
    }

    /**
     * @param {keyof typeof sideFiles} name
     * @param {string | Uint8Array} text
     */
    side(name, text) {
        const side = this.#c.constants.side[name];
        if (side === undefined) throw new TritError('PARAM', `there is no side file "${name}"`);
        try {
            this.#c.with(text, (address, n) =>
                this.#c.call('loader_side', this.#loader, side, address, n),
            );
        } catch (error) {
            const { code, message } = TritError.from(error, 'ENGINE_CRASHED');
            // it tells a place, but not in which of the files
            if (code !== 'BAD_JSON') throw error;
            throw new TritError(code, `${sideFiles[name]}: ${message}`);
        }
    }

    /** @param {string} name of the file that is pushed next */
    shard(name) {
        this.#c.with(name, (text) => this.#c.call('loader_shard', this.#loader, text));
    }

    /** @param {Uint8Array} bytes */
    push(bytes) {
        this.#c.with(bytes, (address, n) => this.#c.call('loader_push', this.#loader, address, n));
    }

    /** Only the header will be looked at. */
    planOnly() {
        this.#c.call('loader_plan_only', this.#loader);
    }

    /** @returns {number} the model as soon as the header is there, before 0 */
    get model() {
        return this.#c.plain('loader_model', this.#loader);
    }

    /** @returns {number} memory beside the model */
    get nBytes() {
        return this.#c.plain('loader_bytes', this.#loader) >>> 0;
    }

    /** @returns {number} the model */
    finish() {
        return this.#c.make('loader_finish', this.#loader);
    }

    free() {
        this.#c.plain('loader_free', this.#loader);
        this.#loader = 0;
    }
}
