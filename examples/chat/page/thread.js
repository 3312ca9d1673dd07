import { button, element } from './elements.js';
import { MarkdownView } from './markdown.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */
/** @typedef {import('./conversations.js').Message} Message */

/**
 * What a person can do with a message.
 * @typedef {object} Actions
 * @property {(index: number, text: string) => void} edit sends a message of theirs again, in other words
 * @property {() => void} regenerate asks for the last answer again
 * @property {() => void} goOn lets the last answer become longer
 */

/** A text as it is; of a story, what was begun stands before what was told. */
class PlainView {
    element = element('div', { className: 'plain' });

    /** @param {string} text */
    show(text) {
        if (this.element.textContent !== text) this.element.textContent = text;
    }
}

/**
 * @typedef {object} Shown a message as it stands in the page
 * @property {HTMLElement} item
 * @property {PlainView | MarkdownView} view
 * @property {HTMLElement} buttons
 * @property {string} [state] for which the buttons are
 */

/** The messages of a conversation. What has not changed is not touched, as there may be much of it. */
export class Thread {
    #list;
    #actions;
    /** @type {Conversation | undefined} */
    #conversation;
    /** @type {WeakMap<Message, Shown>} */
    #shown = new WeakMap();
    #frame = 0;

    /**
     * @param {HTMLElement} list
     * @param {Actions} actions
     */
    constructor(list, actions) {
        this.#list = list;
        this.#actions = actions;
    }

    /** @param {Conversation} conversation @param {boolean} isBusy its last message is being written */
    show(conversation, isBusy) {
        this.#conversation = conversation;
        cancelAnimationFrame(this.#frame);
        this.#frame = 0;
        const list = this.#list;
        list.classList.toggle('story', conversation.mode === 'story');
        conversation.messages.forEach((message, i) => {
            const { item } = this.#show(message, i, isBusy);
            if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
        });
        while (list.childElementCount > conversation.messages.length)
            list.lastElementChild?.remove();
        this.#scrollToEnd();
        requestAnimationFrame(() => requestAnimationFrame(() => this.#rest()));
    }

    /** Those that have been laid out need not be again (style.css). */
    #rest() {
        for (const item of this.#list.children) item.dataset.known = '';
    }

    /** The last message has become longer. It is drawn once a frame at most. */
    grow() {
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            const isAtEnd = this.#isAtEnd();
            const last = /** @type {Message} */ (this.#conversation?.messages.at(-1));
            this.#shown.get(last)?.view.show(last.text);
            if (isAtEnd) this.#scrollToEnd();
        });
    }

    /** @param {Message} message @param {number} i @param {boolean} isBusy */
    #show(message, i, isBusy) {
        const { mode, messages } = /** @type {Conversation} */ (this.#conversation);
        const isPlain = message.role === 'user' || mode === 'story';
        let shown = this.#shown.get(message);
        if (shown?.view instanceof PlainView !== isPlain) shown = undefined;
        shown ??= this.#make(message, isPlain);
        this.#shown.set(message, shown);
        shown.view.show(message.text);
        const isLast = i === messages.length - 1;
        const state = `${i} ${isLast} ${isLast && isBusy}`;
        if (state !== shown.state) {
            shown.buttons.replaceChildren(...this.#buttons(shown.item, message, i, isBusy));
            shown.state = state;
        }
        return shown;
    }

    /** @param {Message} message @param {boolean} isPlain @returns {Shown} */
    #make({ role }, isPlain) {
        const isOwn = role === 'user';
        const isStory = this.#conversation?.mode === 'story';
        const name = isStory ? ['You began', 'The model went on'] : ['You', 'Model'];
        const view = isPlain ? new PlainView() : new MarkdownView();
        const buttons = element('div', { className: 'actions' });
        const who = element('span', { className: 'who' }, name[isOwn ? 0 : 1]);
        const item = element('li', { className: role }, who, view.element, buttons);
        return { item, view, buttons };
    }

    /** @param {HTMLElement} item @param {Message} message @param {number} i @param {boolean} isBusy */
    #buttons(item, message, i, isBusy) {
        const { mode, messages } = /** @type {Conversation} */ (this.#conversation);
        const isLast = i === messages.length - 1;
        if (isLast && isBusy) return [];
        const copy = button('Copy', async () => {
            await navigator.clipboard.writeText(message.text);
            copy.textContent = 'Copied';
        });
        if (message.role === 'user')
            return [copy, button('Edit', () => this.#edit(item, message, i))];
        if (!isLast) return [copy];
        const again = button('Regenerate', () => this.#actions.regenerate());
        // a chat template begins a new answer each time
        if (mode !== 'story') return [copy, again];
        return [copy, again, button('Go on', () => this.#actions.goOn())];
    }

    /** @param {HTMLElement} item @param {Message} message @param {number} i */
    #edit(item, message, i) {
        const text = element('textarea', {
            value: message.text,
            rows: 3,
            'aria-label': 'Your message',
        });
        const before = [...item.childNodes];
        const editing = /** @type {HTMLElement} */ (document.activeElement);
        const cancel = button('Cancel', () => {
            item.replaceChildren(...before);
            editing.focus();
        });
        const send = button('Send again', () => this.#actions.edit(i, text.value), {
            className: 'main',
        });
        text.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
            if (event.key !== 'Escape' || event.isComposing) return;
            event.stopPropagation(); // an answer that is being written goes on
            cancel.click();
        });
        item.replaceChildren(text, element('div', { className: 'actions' }, send, cancel));
        text.focus();
    }

    #isAtEnd() {
        const { scrollTop, clientHeight, scrollHeight } = this.#list;
        return scrollHeight - scrollTop - clientHeight < 80;
    }

    #scrollToEnd() {
        this.#list.scrollTop = this.#list.scrollHeight;
    }
}
