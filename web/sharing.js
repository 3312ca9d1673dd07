import { TritError, throwIfAborted, untilAborted } from './errors.js';
import { SHARED } from './protocol.js';

/** @typedef {import('./restarting.js').Restarting} Restarting */

/**
 * What tabs say to each other. Each has a name of its own; the one that has the engine answers the others.
 * @typedef {{hello: true, from: string}
 *   | {leader: string, to?: string, info: any, restarts: number, lastCrash: string | null}
 *   | {from: string, id: number, op: import('./protocol.js').Op, args: any[], beside?: boolean}
 *   | {from: string, abort: number}
 *   | {to: string, id: number, event?: any, ok?: any, error?: {code: string, message: string}}} Said
 *
 * @typedef {object} Waiting
 * @property {import('./protocol.js').Op} op
 * @property {any[]} args
 * @property {boolean} beside
 * @property {(ok: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {((event: any) => void) | undefined} onEvent
 * @property {AbortSignal | undefined} signal
 * @property {boolean} heard an event has come, so that it cannot begin anew
 */

/**
 * The engine, when it is this tab's turn to have it.
 * @callback Start
 * @param {boolean} isFirst there was none in another tab before
 * @param {AbortSignal} closing the model is closed here
 * @returns {Promise<Restarting>}
 */

/** What is asked of an engine that has its model. Nothing else is answered: any page of the site could ask. */
const ASKED = new Set([
    ...['generate', 'saveSession', 'loadSession', 'dropContext', 'tokenize', 'detokenize'],
    ...['tokenBytes', 'countTokens', 'template', 'logits', 'score', 'measure', 'diagnose'],
]);

/** Whether tabs can find each other here. */
export const canShare = () =>
    typeof BroadcastChannel === 'function' && Boolean(globalThis.navigator?.locks);

/**
 * One engine for all tabs of a site that load the same model in the same way. The tab that holds the lock of this name has
 * it; when that tab is closed, the next one in line gets the lock, and loads the model from the store. What was
 * under way then begins anew when nothing of it had come yet, and else fails with ENGINE_CRASHED.
 */
export class Sharing {
    #name;
    #start;
    #channel;
    #own = crypto.randomUUID();
    #closing = new AbortController();
    /** @type {Restarting | undefined} in the tab that leads */
    #engine;
    /** @type {string | undefined} the tab that has the engine */
    #leader;
    /** Those that had it before. @type {Set<string>} */
    #past = new Set();
    #lastId = 0;
    /** @type {Map<number, Waiting>} */
    #waiting = new Map();
    /** Of the other tabs, by tab and id. @type {Map<string, AbortController>} */
    #served = new Map();
    /** Tabs whose end is waited for, and the contexts that end with them. @type {Map<string, Set<number>>} */
    #known = new Map();
    /** @type {TritError | undefined} this tab was to have the engine, and could not */
    #dead;
    /** @type {Readonly<import('./protocol.js').ModelInfo>} */
    info = /** @type {any} */ (undefined);
    restarts = 0;
    /** @type {string | null} */
    lastCrash = null;

    /**
     * @param {string} name
     * @param {Start} start
     */
    constructor(name, start) {
        this.#name = name;
        this.#start = start;
        this.#channel = new BroadcastChannel(name);
        this.#channel.onmessage = ({ data }) => this.#hear(data);
    }

    /**
     * When there is an engine, in this tab or another.
     * @param {string} name
     * @param {Start} start
     * @param {AbortSignal} [signal]
     */
    static async open(name, start, signal) {
        const sharing = new Sharing(name, start);
        try {
            await untilAborted(sharing.#join(), signal);
            return sharing;
        } catch (error) {
            sharing.close();
            throw error;
        }
    }

    get role() {
        return this.#engine ? 'has the engine' : 'asks another tab';
    }

    async #join() {
        await new Promise((resolve, reject) => {
            this.#onLeader = () => resolve(undefined);
            this.#hold(`${this.#name} ${this.#own}`, () => {}).catch(reject);
            this.#hold(this.#name, () => this.#lead()).catch(reject);
            this.#say({ hello: true, from: this.#own });
        });
    }

    #onLeader = () => {};

    /**
     * Holds a lock, once it is this tab's turn, until the model is closed here.
     * @param {string} name
     * @param {() => any} begin
     */
    async #hold(name, begin) {
        const { signal } = this.#closing;
        const use = async () => {
            await begin();
            throwIfAborted(signal);
            await untilAborted(new Promise(() => {}), signal);
        };
        try {
            await navigator.locks.request(name, { signal }, use);
        } catch (error) {
            if (!signal.aborted) throw error instanceof TritError ? error : unable(error);
        }
    }

    async #lead() {
        try {
            const engine = await this.#start(this.info === undefined, this.#closing.signal);
            if (this.#closing.signal.aborted) return engine.close();
            this.#engine = engine;
        } catch (error) {
            this.#dead = TritError.from(error, 'ENGINE_CRASHED');
            this.#fail(this.#dead);
            throw this.#dead;
        }
        this.#say(this.#news());
        this.#follow(this.#news());
    }

    /** What other tabs are told of the engine. */
    #news() {
        const { info, restarts, lastCrash } = /** @type {Restarting} */ (this.#engine);
        return { leader: this.#own, info, restarts, lastCrash };
    }

    // ---- as one who asks ----

    /** A context that no other tab has. */
    newContext() {
        return 1 + Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
    }

    /**
     * @param {import('./protocol.js').Op} op
     * @param {any[]} args
     * @param {import('./client.js').CallOptions} [options]
     * @returns {Promise<any>}
     */
    async call(op, args, { signal, onEvent, beside = false } = {}) {
        if (this.#closing.signal.aborted) throw closed();
        if (this.#dead) throw this.#dead;
        throwIfAborted(signal);
        const id = ++this.#lastId;
        const abort = () => this.#send({ from: this.#own, abort: id });
        signal?.addEventListener('abort', abort, { once: true });
        try {
            return await new Promise((resolve, reject) => {
                const heard = false;
                const waiting = { op, args, beside, resolve, reject, onEvent, signal, heard };
                this.#waiting.set(id, waiting);
                this.#ask(id, waiting);
            });
        } finally {
            signal?.removeEventListener('abort', abort);
            this.#waiting.delete(id);
        }
    }

    /**
     * @param {number} id
     * @param {Waiting} waiting
     */
    #ask(id, { op, args, beside, signal }) {
        this.#send({ from: this.#own, id, op, args, beside });
        // it was stopped while no tab had the engine
        if (signal?.aborted) this.#send({ from: this.#own, abort: id });
    }

    /** @param {any} message to the tab that has the engine, which may be this one; lost when there is none yet */
    #send(message) {
        if (this.#engine) this.#serve(message);
        else if (this.#leader) this.#say(message);
    }

    /** @param {Said} message */
    #say(message) {
        if (!this.#closing.signal.aborted) this.#channel.postMessage(message);
    }

    /** @param {any} message */
    #hear(message) {
        const { from, to, id, leader, hello } = message ?? {};
        if (this.#closing.signal.aborted || (to !== undefined && to !== this.#own)) return;
        if (leader) this.#follow(message);
        else if (to) this.#take(message);
        else if (!this.#engine || from === this.#own) return;
        else if (hello) this.#say({ ...this.#news(), to: from });
        else if (id !== undefined || message.abort !== undefined) this.#serve(message);
    }

    /**
     * There is an engine, maybe another than before.
     * @param {{leader: string, info: any, restarts: number, lastCrash: string | null}} news
     */
    #follow({ leader, info, restarts, lastCrash }) {
        if (this.#past.has(leader)) return; // it was closed since
        this.info = Object.freeze(info);
        this.restarts = restarts;
        this.lastCrash = lastCrash;
        const isNew = leader !== this.#leader;
        if (isNew && this.#leader) this.#past.add(this.#leader);
        this.#leader = leader;
        this.#onLeader();
        if (!isNew) return;
        for (const [id, waiting] of this.#waiting)
            if (waiting.heard)
                waiting.reject(
                    new TritError('ENGINE_CRASHED', 'the tab that had the engine was closed'),
                );
            else this.#ask(id, waiting);
    }

    /** @param {any} answer */
    #take({ id, event, ok, error }) {
        const waiting = this.#waiting.get(id);
        if (!waiting) return;
        if (event !== undefined) {
            waiting.heard = true;
            try {
                waiting.onEvent?.(event);
            } catch (thrown) {
                this.#send({ from: this.#own, abort: id });
                waiting.reject(thrown);
            }
        } else if (error) waiting.reject(new TritError(error.code, error.message));
        else waiting.resolve(ok);
    }

    // ---- as the one who has the engine ----

    /** @param {any} request */
    async #serve({ from, id, abort, op, args, beside }) {
        if (abort !== undefined) return void this.#served.get(`${from} ${abort}`)?.abort();
        const engine = /** @type {Restarting} */ (this.#engine);
        const answer = (/** @type {any} */ said) => {
            if (from === this.#own) this.#take({ id, ...said });
            else this.#say({ to: from, id, ...said });
        };
        if (!ASKED.has(op))
            return answer({ error: { code: 'PARAM', message: `other tabs cannot ask for ${op}` } });
        const stop = new AbortController();
        const key = `${from} ${id}`;
        this.#served.set(key, stop);
        try {
            if (from !== this.#own) this.#watch(from).add(contextOf(op, args));
            const { signal } = stop;
            const onEvent = (/** @type {any} */ event) => answer({ event });
            answer({ ok: (await engine.call(op, args, { signal, onEvent, beside })) ?? null });
        } catch (error) {
            const { code, message } = TritError.from(error, 'ENGINE_CRASHED');
            if (code !== 'DISPOSED') answer({ error: { code, message } }); // the next tab will answer
        } finally {
            this.#served.delete(key);
            if (engine.restarts !== this.restarts) this.#refresh();
        }
    }

    /** The engine has crashed and was started again. */
    #refresh() {
        this.#follow(this.#news());
        this.#say(this.#news());
    }

    /**
     * @param {string} tab whose requests nobody waits for when it is closed, and whose conversations nobody goes on with
     * @returns {Set<number>} its contexts
     */
    #watch(tab) {
        const known = this.#known.get(tab);
        if (known) return known;
        const contexts = new Set([SHARED]);
        this.#known.set(tab, contexts);
        const { signal } = this.#closing;
        const end = () => {
            this.#known.delete(tab);
            for (const [key, stop] of this.#served) if (key.startsWith(`${tab} `)) stop.abort();
            contexts.delete(SHARED);
            for (const context of contexts)
                this.#engine?.call('dropContext', [context]).catch(() => {}); // of a crashed engine none is left
        };
        navigator.locks.request(`${this.#name} ${tab}`, { signal }, end).catch(() => {}); // closed here before
        return contexts;
    }

    /** What is under way for others begins anew in the tab that is next. */
    close() {
        if (this.#closing.signal.aborted) return;
        this.#engine?.close();
        this.#closing.abort();
        this.#fail(closed());
        this.#channel.close();
    }

    /** @param {unknown} error */
    #fail(error) {
        for (const { reject } of this.#waiting.values()) reject(error);
    }
}

/**
 * In whose context a request computes.
 * @param {import('./protocol.js').Op} op
 * @param {any[]} args
 * @returns {number}
 */
const contextOf = (op, args) =>
    op === 'generate' ? args[2] : op === 'saveSession' ? args[1] : SHARED;

/** @param {any} cause */
const unable = (cause) =>
    new TritError(
        'UNSUPPORTED',
        `tabs cannot share an engine here (${cause?.message}): load the model without share`,
        { cause },
    );

const closed = () => new TritError('DISPOSED', 'the model is closed');
