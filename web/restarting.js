import { defaults } from './defaults.js';
import { TritError, untilAborted } from './errors.js';
import { SHARED } from './protocol.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */

/**
 * @typedef {object} Life
 * @property {(signal: AbortSignal) => Promise<Started>} [again] a new engine with the same model; without it, the
 *   model came from where it cannot be read a second time
 * @property {(event: {reason: string}) => void} [onRestart]
 *
 * @typedef {{client: Client, info: ModelInfo}} Started
 */

/**
 * An engine with its model that outlives crashes: a new worker takes the place of one that crashed, with the same
 * model. What was under way fails with ENGINE_CRASHED; what is asked for meanwhile waits.
 */
export class Restarting {
    #life;
    /** @type {Client} */
    #client;
    /** @type {Readonly<ModelInfo>} */
    info;
    /** How many engines came after the first, and why the last one did. */
    restarts = 0;
    /** @type {string | null} */
    lastCrash = null;
    /** @type {Promise<void> | undefined} while there is no engine; rejected when there will be none */
    #renewal;
    /** Crashes since the last answer. */
    #crashes = 0;
    #closing = new AbortController();
    #lastContext = SHARED;

    /**
     * @param {Started} started
     * @param {Life} life
     */
    constructor({ client, info }, life) {
        this.#life = life;
        this.#client = client;
        this.info = Object.freeze(info);
        client.onCrash = (error) => this.#renew(error);
    }

    /**
     * @param {import('./protocol.js').Op} op
     * @param {any[]} args
     * @param {import('./client.js').CallOptions} [options]
     * @returns {Promise<any>}
     */
    async call(op, args, options) {
        if (this.#closing.signal.aborted) throw closed();
        while (this.#renewal) await untilAborted(this.#renewal, options?.signal);
        const ok = await this.#client.call(op, args, options);
        this.#crashes = 0;
        return ok;
    }

    /** A context that nobody has. */
    newContext() {
        return ++this.#lastContext;
    }

    close() {
        if (this.#closing.signal.aborted) return;
        this.#closing.abort();
        this.#client.close();
    }

    /** @param {TritError} error why the engine has ended */
    #renew(error) {
        this.#renewal = this.#startAgain(error);
        this.#renewal.catch(() => {}); // who asks next sees it
    }

    /** @param {TritError} error */
    async #startAgain(error) {
        const { again, onRestart } = this.#life;
        const { signal } = this.#closing;
        const reason = (this.lastCrash = error.message);
        if (!again)
            throw lost(
                `the engine crashed (${reason}), and its model came from a stream that is over`,
                error,
            );
        for (;;) {
            if (++this.#crashes > defaults.restarts)
                throw lost(`the engine crashes again and again (${error.message})`, error);
            try {
                const { client, info } = await again(signal);
                if (signal.aborted) {
                    client.close();
                    throw closed();
                }
                this.#client = client;
                this.info = Object.freeze(info);
                break;
            } catch (thrown) {
                if (signal.aborted) throw closed();
                error = TritError.from(thrown, 'ENGINE_CRASHED');
                if (error.code !== 'ENGINE_CRASHED') throw noModel(reason, error);
            }
        }
        this.restarts++;
        this.#renewal = undefined;
        this.#client.onCrash = (next) => this.#renew(next);
        if (onRestart) queueMicrotask(() => onRestart({ reason }));
    }
}

const closed = () => new TritError('DISPOSED', 'the model is closed');

/**
 * @param {string} reason
 * @param {TritError} error
 */
const noModel = (reason, error) =>
    lost(
        `the engine crashed (${reason}), and its model cannot be loaded again (${error.message})`,
        error,
    );

/**
 * @param {string} what
 * @param {TritError} cause
 */
const lost = (what, cause) =>
    new TritError('ENGINE_CRASHED', `${what}: load the model again`, { cause });
