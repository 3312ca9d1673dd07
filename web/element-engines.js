import { TritError } from './errors.js';
import { Trit } from './index.js';

/** @typedef {import('./index.js').Model} Model */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */
/** @typedef {import('./load.js').Progress} Progress */

/**
 * One who wants an engine, and is told of it.
 * @typedef {object} User
 * @property {(progress: Progress) => void} onProgress
 * @property {(event: {reason: string}) => void} onRestart
 */

/** Of this page, by what they are loaded with: tags that want the same have one between them. @type {Map<string, Engine>} */
const engines = new Map();

class Engine {
    #key;
    /** @type {Set<User>} */
    #users = new Set();
    #stop = new AbortController();
    /** @type {Promise<Model>} */
    model;

    /**
     * @param {string} key
     * @param {string} source
     * @param {LoadOptions} options
     */
    constructor(key, source, options) {
        this.#key = key;
        this.model = Trit.load(source, {
            ...options,
            signal: this.#stop.signal,
            onProgress: (progress) => this.#users.forEach((user) => user.onProgress(progress)),
            onRestart: (event) => this.#users.forEach((user) => user.onRestart(event)),
        });
        engines.set(key, this);
        this.model.catch(() => this.#forget());
    }

    /** @param {User} user */
    join(user) {
        this.#users.add(user);
    }

    /**
     * The last one closes the model, or stops its loading.
     * @param {User} user
     */
    leave(user) {
        if (!this.#users.delete(user) || this.#users.size > 0) return;
        this.#forget();
        this.#stop.abort();
        this.model.then(
            (model) => model.close(),
            () => {}, // it was not there yet
        );
    }

    #forget() {
        if (engines.get(this.#key) === this) engines.delete(this.#key);
    }
}

/**
 * A model, loaded now or for another one on this page already.
 * @param {string} source
 * @param {LoadOptions} options
 * @param {AbortSignal} signal ends the use; while it is loaded, with ABORTED
 * @param {User} user
 * @returns {Promise<Model>}
 */
export function useEngine(source, options, signal, user) {
    const key = JSON.stringify([source, options]);
    const engine = engines.get(key) ?? new Engine(key, source, options);
    engine.join(user);
    return new Promise((resolve, reject) => {
        const leave = () => {
            engine.leave(user);
            reject(new TritError('ABORTED', 'the loading was stopped'));
        };
        signal.addEventListener('abort', leave, { once: true });
        engine.model.then(resolve, reject);
    });
}
