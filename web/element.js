import {
    LOADING,
    generateOptionsOf,
    loadOptionsOf,
    modeOf,
    sourceOf,
} from './element-attributes.js';
import { useEngine } from './element-engines.js';
import { talkWith } from './element-talk.js';
import { TEXTS, View } from './element-view.js';
import { TritError, throwIfAborted } from './errors.js';
import { Trit } from './index.js';
import { mega } from './memory.js';
import { checkOptions } from './params.js';

/** @typedef {import('./index.js').GenerateOptions} GenerateOptions */
/** @typedef {import('./index.js').GenerateResult} GenerateResult */
/** @typedef {import('./index.js').Message} Message */
/** @typedef {import('./index.js').Model} Model */
/** @typedef {import('./index.js').Probe} Probe */
/** @typedef {import('./index.js').Progress} Progress */
/** @typedef {import('./element-view.js').Texts} Texts */

/** What is imported where there are no elements, as on a server that renders pages, is only not used there. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/**
 * An address or a file's name at its beginning stays as it is.
 * @param {TritError} error
 */
const sentence = ({ message }) =>
    `${message.replace(/^[a-z]+(?= )/, (word) => word[0].toUpperCase() + word.slice(1))}.`;

/**
 * What others throw, as a page may have changed what is called.
 * @param {unknown} error
 * @returns {TritError}
 */
function ours(error) {
    if (error instanceof TritError) return error;
    const { message } = TritError.from(error, '');
    return new TritError('RUNTIME_LOAD', `the engine cannot work in this page (${message})`, {
        cause: error,
    });
}

/** @param {unknown} error */
const isAbort = (error) => error instanceof TritError && error.code === 'ABORTED';

/**
 * `<trit-chat src="…">`: a conversation with a model that runs in the page. Attributes, events, parts and variables
 * stand in README.md. Events do not bubble, and tell nothing of what is said: `history` does.
 */
export class TritChat extends Base {
    static observedAttributes = [...LOADING, 'placeholder', 'autoload'];

    #view;
    /** @type {Texts} */
    #texts = TEXTS;
    #isHere = false;
    /** Of the question what loading would take. @type {AbortController | undefined} */
    #asking;
    /** Of the engine, from the beginning of its loading. @type {AbortController | undefined} */
    #use;
    /** Of the answer that is under way. @type {AbortController | undefined} */
    #answering;
    /** @type {Promise<void> | undefined} */
    #loading;
    /** @type {Model | null} */
    #model = null;
    /** @type {import('./element-talk.js').Talk | undefined} */
    #talk;
    /** @type {'chat' | 'story'} */
    #mode = 'chat';
    /** Said before the model was closed. @type {Message[]} */
    #said = [];

    constructor() {
        super();
        const root = this.attachShadow({ mode: 'open' });
        this.#view = new View(root, {
            load: () => void this.load().catch(() => {}), // it is shown
            send: (text) => void this.#ask(text),
            stop: () => this.stop(),
            clear: () => {
                this.clear();
                this.focus();
            },
        });
        this.#takeEarlier();
    }

    /** What was set on the element before its module came would hide the setter. */
    #takeEarlier() {
        if (!Object.hasOwn(this, 'texts')) return;
        const { texts } = this;
        delete (/** @type {{texts?: Partial<Texts>}} */ (this).texts);
        this.texts = texts;
    }

    // ---- life ----

    connectedCallback() {
        if (this.#isHere) return; // it was only moved
        this.#isHere = true;
        this.#begin();
    }

    /** An element that is moved is there again when what moves it has come to an end. */
    disconnectedCallback() {
        queueMicrotask(() => {
            if (!this.isConnected) this.#end();
        });
    }

    adoptedCallback() {
        this.#view.adopt(this.ownerDocument);
    }

    /**
     * @param {string} name
     * @param {string | null} before
     * @param {string | null} now
     */
    attributeChangedCallback(name, before, now) {
        if (name === 'placeholder') this.#view.placeholder = now;
        else if (this.#isHere && before !== now && (name !== 'autoload' || !this.#loading)) {
            this.#end();
            this.connectedCallback();
        }
    }

    #begin() {
        this.#view.show('offer');
        this.#view.offer('load', '');
        this.#view.error('');
        this.#view.status('');
        if (this.hasAttribute('autoload'))
            this.load().catch(() => {}); // it is shown
        else this.#whenSeen((signal) => void this.#offer(signal));
    }

    #end() {
        this.#said = this.history;
        for (const work of [this.#asking, this.#answering, this.#use]) work?.abort();
        this.#talk?.close();
        this.#asking = this.#answering = this.#use = this.#talk = this.#loading = undefined;
        this.#model = null;
        this.#isHere = false;
    }

    /**
     * Even a header is asked for only by who comes to see the button.
     * @param {(signal: AbortSignal) => void} then
     */
    #whenSeen(then) {
        const { signal } = (this.#asking = new AbortController());
        const observer = new IntersectionObserver((entries) => {
            if (!entries.some((entry) => entry.isIntersecting)) return;
            observer.disconnect();
            then(signal);
        });
        observer.observe(this);
        signal.addEventListener('abort', () => observer.disconnect(), { once: true });
    }

    // ---- the model ----

    /**
     * What loading would take stands beside the button.
     * @param {AbortSignal} signal
     */
    async #offer(signal) {
        try {
            const source = sourceOf(this);
            const options = { ...loadOptionsOf(this), signal };
            const note = source.startsWith('stored:')
                ? this.#texts.stored
                : this.#describe(await Trit.probe(source, options));
            if (!signal.aborted) this.#view.offer('load', note);
        } catch (error) {
            if (!signal.aborted) this.#view.offer('load', sentence(ours(error)));
        }
    }

    /** @param {Probe} probe */
    #describe({ bytes, stored, fits, licence, note }) {
        const size = bytes === null ? '' : mega(bytes);
        const lack = fits ? '' : note;
        return [size, stored && this.#texts.stored, licence, lack].filter(Boolean).join(', ');
    }

    /**
     * Loads the model, unless it is there.
     * @returns {Promise<void>} fails with a TritError, which is shown as well
     */
    load() {
        if (!this.#isHere)
            return Promise.reject(new TritError('STATE', 'the element is in no document'));
        if (this.#loading) return this.#loading;
        const use = (this.#use = new AbortController());
        this.#loading = this.#load(use).catch((thrown) => this.#giveUp(use, thrown));
        return this.#loading;
    }

    /** @param {AbortController} use */
    async #load(use) {
        this.#asking?.abort();
        this.#view.error('');
        this.#view.status(this.#texts.loading);
        this.#view.progress(undefined, '');
        this.#view.show('loading');
        const user = {
            onProgress: (/** @type {Progress} */ progress) => this.#tell(progress),
            onRestart: () => this.#view.status(this.#texts.restarted),
        };
        const mode = modeOf(this);
        const model = await useEngine(sourceOf(this), loadOptionsOf(this), use.signal, user);
        throwIfAborted(use.signal); // by a page that was told of another tag's model first
        this.#open(model, mode);
    }

    /**
     * @param {AbortController} use
     * @param {unknown} thrown
     */
    #giveUp(use, thrown) {
        use.abort();
        const error = ours(thrown);
        if (use === this.#use) {
            this.#use = this.#loading = undefined;
            this.#view.show('offer');
            this.#view.offer(isAbort(error) ? 'goOn' : 'load', '');
            this.#fail(error);
        }
        throw error;
    }

    /** @param {Progress} progress */
    #tell(progress) {
        const { phase, loaded, total } = progress;
        const bytes = total === undefined ? mega(loaded) : `${mega(loaded)} / ${mega(total)}`;
        this.#view.progress(progress, phase === 'wait' ? this.#texts.waiting : bytes);
        this.dispatchEvent(new CustomEvent('progress', { detail: progress }));
    }

    /**
     * @param {Model} model
     * @param {'chat' | 'story' | null} mode
     */
    #open(model, mode) {
        this.#mode = mode ?? (model.info.template ? 'chat' : 'story');
        this.#talk = talkWith(model, this.#mode, this.getAttribute('system'), this.#said);
        this.#model = model;
        this.#view.isStory = this.#mode === 'story';
        this.#view.status(model.info.warning ?? this.#texts.ready);
        this.#view.show('ready');
        this.dispatchEvent(new CustomEvent('ready'));
    }

    /** The model that is loaded. */
    get model() {
        return this.#model;
    }

    // ---- the conversation ----

    /** What was said, as `Trit` takes it. In a story the person's part and the model's take turns, too. */
    get history() {
        return this.#talk?.history ?? [...this.#said];
    }

    /**
     * Says this as the person would, and shows the answer.
     * @param {string} text
     * @param {GenerateOptions} [options] before what the attributes say
     * @returns {Promise<GenerateResult>}
     */
    async send(text, options = {}) {
        const [talk, model, use] = [this.#talk, this.#model, this.#use];
        if (!talk || !model)
            throw new TritError('STATE', 'there is no model yet: wait for load() first');
        if (this.#answering) throw new TritError('STATE', 'the last answer is not finished');
        checkOptions(options);
        const work = new AbortController();
        const own = { ...generateOptionsOf(this, model.info.card), ...options };
        const answer = talk.send(text, { ...own, signal: work.signal });
        const stop = () => work.abort();
        if (own.signal?.aborted) stop();
        own.signal?.addEventListener('abort', stop, { once: true });
        this.#answering = work;
        const turn = this.#view.turn(text);
        this.#view.error('');
        this.#view.status('');
        this.#view.show('answering');
        /** @type {GenerateResult} */
        let result;
        try {
            for await (const piece of answer) turn.add(piece);
            result = await answer.result;
            throwIfAborted(use?.signal);
            if (work === this.#answering && result.finish === 'length')
                this.#view.status(this.#texts.cut);
        } catch (error) {
            turn.remove(); // nor is it a part of the history
            throwIfAborted(use?.signal); // whatever a model says that is taken away
            throw ours(error);
        } finally {
            own.signal?.removeEventListener('abort', stop);
            if (work === this.#answering) {
                this.#answering = undefined;
                this.#view.show('ready');
            }
        }
        const { finish, usage, timings } = result;
        this.dispatchEvent(new CustomEvent('answer', { detail: { finish, usage, timings } }));
        return result;
    }

    /**
     * As `send`, by the person: of a failure the question stays.
     * @param {string} text
     */
    async #ask(text) {
        this.#view.written = '';
        try {
            await this.send(text);
        } catch (error) {
            this.#view.written ||= text;
            if (!isAbort(error)) this.#fail(ours(error));
        }
    }

    /** Stops the answer, or the loading. What has come of either stays. */
    stop() {
        if (this.#model) this.#answering?.abort();
        else this.#use?.abort();
    }

    /** Begins a new conversation. */
    clear() {
        this.#answering?.abort();
        this.#answering = undefined;
        this.#talk?.close();
        this.#said = [];
        this.#view.clear();
        this.#view.status('');
        this.#view.error('');
        if (!this.#model) return;
        this.#talk = talkWith(this.#model, this.#mode, this.getAttribute('system'), []);
        this.#view.show('ready');
    }

    /** The cursor goes to where one goes on. */
    focus() {
        this.#view.focus();
    }

    // ---- what is told ----

    /** @param {TritError} error */
    #fail(error) {
        this.#view.status('');
        if (isAbort(error)) return;
        this.#view.error(sentence(error));
        const { code, message } = error;
        this.dispatchEvent(new CustomEvent('error', { detail: { code, message } }));
    }

    /** @param {Partial<Texts>} texts what the element says, in another language */
    set texts(texts) {
        this.#texts = { ...TEXTS, ...texts };
        this.#view.texts = this.#texts;
    }

    get texts() {
        return this.#texts;
    }
}

// From two addresses, as in a page of two makers, it comes twice.
if (globalThis.customElements && !customElements.get('trit-chat'))
    customElements.define('trit-chat', TritChat);
