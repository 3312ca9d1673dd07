import { sheetFor } from './element-style.js';

/** What the tag says; a page may give others, in its language. */
export const TEXTS = Object.freeze({
    label: 'Conversation',
    input: 'Your message',
    story: 'Begin a story',
    load: 'Load the model',
    goOn: 'Go on loading',
    stored: 'it is on this device',
    loading: 'Loading the model',
    waiting: 'Waiting for the network',
    ready: 'Ready',
    send: 'Send',
    stop: 'Stop',
    clear: 'New',
    you: 'You: ',
    model: 'Answer: ',
    restarted: 'The engine has crashed and was started again',
    cut: 'The answer is as long as it may be',
});

/** @typedef {{-readonly [name in keyof typeof TEXTS]: string}} Texts */

/**
 * @param {string} tag
 * @param {string} part by which pages reach it; the first word is its class, too
 * @param {Record<string, any>} [properties]
 * @param {(Node | string)[]} [children]
 * @returns {any}
 */
function make(tag, part, properties = {}, children = []) {
    const element = document.createElement(tag);
    element.setAttribute('part', part);
    element.className = part;
    for (const [name, value] of Object.entries(properties))
        if (name in element) /** @type {any} */ (element)[name] = value;
        else element.setAttribute(name, value);
    element.append(...children);
    return element;
}

/** @param {string} text */
const unseen = (text) => make('span', 'unseen', {}, [text]);

/** Keys that are the page's, too: of the others it would take letters for its own commands. */
const SHARED_KEYS = ['Tab', 'Escape'];
const OF_WRITING = [
    ...['keydown', 'keypress', 'keyup', 'beforeinput', 'input'],
    ...['copy', 'cut', 'paste', 'compositionstart', 'compositionupdate', 'compositionend'],
];

/**
 * What is wanted of the element.
 * @typedef {object} Wishes
 * @property {() => void} load
 * @property {(text: string) => void} send
 * @property {() => void} stop
 * @property {() => void} clear
 */

/** The shadow tree. What people and models write gets into it as text, never as markup. */
export class View {
    #root;
    #wishes;
    /** @type {Texts} */
    #texts = TEXTS;
    /** @type {'load' | 'goOn'} */
    #label = 'load';
    /** The answer goes on where the question ends. */
    #isStory = false;
    #log = make('div', 'log', { role: 'log', tabIndex: 0 });
    #load = make('button', 'button load', { type: 'button' });
    #note = make('p', 'note');
    #offer = make('div', 'offer', {}, [this.#load, this.#note]);
    #bar = make('progress', 'progress');
    #stopLoad = make('button', 'button stop', { type: 'button' });
    #how = make('span', 'note');
    #loading = make('div', 'offer', {}, [this.#bar, this.#how, this.#stopLoad]);
    #input = make('textarea', 'input', { rows: 2, autocomplete: 'off' });
    #send = make('button', 'button send', { type: 'submit' });
    #stop = make('button', 'button stop', { type: 'button' });
    #clear = make('button', 'button clear', { type: 'button' });
    #composer = make('form', 'composer', {}, [this.#input, this.#clear, this.#stop, this.#send]);
    #status = make('p', 'status', { role: 'status' });
    #error = make('p', 'error', { role: 'alert' });

    /**
     * @param {ShadowRoot} root
     * @param {Wishes} wishes
     */
    constructor(root, wishes) {
        this.#root = root;
        this.#wishes = wishes;
        for (const button of [this.#load, this.#send]) button.classList.add('first');
        const parts = [this.#log, this.#offer, this.#loading, this.#status, this.#error];
        root.append(make('div', 'frame', {}, [...parts, this.#composer]));
        this.#listen();
        this.texts = TEXTS;
        this.adopt(document);
    }

    #listen() {
        this.#load.addEventListener('click', () => this.#wishes.load());
        for (const stop of [this.#stop, this.#stopLoad])
            stop.addEventListener('click', () => this.#wishes.stop());
        this.#clear.addEventListener('click', () => this.#wishes.clear());
        this.#composer.addEventListener('submit', (/** @type {Event} */ event) => {
            event.preventDefault();
            this.#submit();
        });
        this.#composer.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
            if (event.isComposing) return; // the key is the input method's
            if (event.key === 'Escape') this.#wishes.stop();
            if (event.key !== 'Enter' || event.shiftKey || event.target !== this.#input) return;
            event.preventDefault();
            this.#submit();
        });
        for (const type of OF_WRITING)
            this.#root.addEventListener(type, (event) => {
                const { key } = /** @type {KeyboardEvent} */ (event);
                if (!SHARED_KEYS.includes(key)) event.stopPropagation();
            });
    }

    #submit() {
        const text = this.#input.value.trim();
        if (text && !this.#send.disabled) this.#wishes.send(text);
    }

    /** @param {Texts} texts */
    set texts(texts) {
        this.#texts = texts;
        this.#log.setAttribute('aria-label', texts.label);
        this.#bar.setAttribute('aria-label', texts.loading);
        for (const stop of [this.#stop, this.#stopLoad]) stop.textContent = texts.stop;
        this.#load.textContent = texts[this.#label];
        this.#send.textContent = texts.send;
        this.#clear.textContent = texts.clear;
        this.#labelInput();
    }

    /** @param {boolean} isStory */
    set isStory(isStory) {
        this.#isStory = isStory;
        this.#labelInput();
    }

    #labelInput() {
        const { story, input } = this.#texts;
        this.#input.setAttribute('aria-label', this.#isStory ? story : input);
    }

    /** @param {Document} document that the element is in now */
    adopt(document) {
        if (!document.defaultView) return; // as that of a template, which takes no sheet and is not seen
        this.#root.adoptedStyleSheets = [sheetFor(document)];
    }

    // ---- what is to be seen ----

    /**
     * @param {'offer' | 'loading' | 'ready' | 'answering'} state
     */
    show(state) {
        const hadFocus = this.#root.activeElement;
        this.#offer.hidden = state !== 'offer';
        this.#loading.hidden = state !== 'loading';
        this.#composer.hidden = state === 'offer' || state === 'loading';
        this.#stop.hidden = state !== 'answering';
        this.#send.hidden = state === 'answering';
        this.#send.disabled = state !== 'ready';
        this.#log.setAttribute('aria-busy', String(state === 'answering')); // read out when it is whole
        if (hadFocus && this.#isGone(hadFocus)) this.focus();
    }

    /** @param {Element} element */
    #isGone(element) {
        return element.closest('[hidden]') !== null;
    }

    /** Where one goes on: to what is to be written, or to the button. */
    focus() {
        const places = [this.#input, this.#stopLoad, this.#load];
        places.find((place) => !this.#isGone(place))?.focus();
    }

    /**
     * @param {'load' | 'goOn'} label
     * @param {string} note
     */
    offer(label, note) {
        this.#label = label;
        this.#load.textContent = this.#texts[label];
        this.#note.textContent = note;
    }

    /**
     * @param {{loaded: number, total: number | undefined} | undefined} progress undefined while nothing is known
     * @param {string} how
     */
    progress(progress, how) {
        const { loaded = 0, total } = progress ?? {};
        this.#how.textContent = how;
        if (total === undefined) this.#bar.removeAttribute('value');
        else Object.assign(this.#bar, { max: Math.max(total, 1), value: loaded });
    }

    /** @param {string} text */
    status(text) {
        this.#keepAtEnd(() => (this.#status.textContent = text));
    }

    /** @param {string} text */
    error(text) {
        this.#keepAtEnd(() => (this.#error.textContent = text));
    }

    /** @param {string | null} text */
    set placeholder(text) {
        this.#input.placeholder = text ?? '';
    }

    /** @param {string} text */
    set written(text) {
        this.#input.value = text;
    }

    get written() {
        return this.#input.value;
    }

    // ---- what is said ----

    /**
     * @param {string} question
     * @returns {{add: (text: string) => void, remove: () => void}}
     */
    turn(question) {
        const answer = document.createTextNode('');
        const nodes = this.#isStory
            ? [
                  make('p', 'turn story', { dir: 'auto' }, [
                      make('span', 'begun', {}, [question]),
                      answer,
                  ]),
              ]
            : [
                  make('p', 'turn question', { dir: 'auto' }, [unseen(this.#texts.you), question]),
                  make('p', 'turn answer', { dir: 'auto' }, [unseen(this.#texts.model), answer]),
              ];
        this.#log.append(...nodes);
        this.#toEnd();
        return {
            add: (text) => this.#keepAtEnd(() => answer.appendData(text)),
            remove: () => nodes.forEach((node) => node.remove()),
        };
    }

    clear() {
        this.#log.replaceChildren();
    }

    /**
     * What was last said stays in view, whatever becomes longer; who has scrolled up to read is left there.
     * @param {() => void} change
     */
    #keepAtEnd(change) {
        const { scrollHeight, scrollTop, clientHeight } = this.#log;
        const isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
        change();
        if (isAtEnd) this.#toEnd();
    }

    #toEnd() {
        this.#log.scrollTop = this.#log.scrollHeight;
    }
}
