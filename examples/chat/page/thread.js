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
        this.element.textContent = text;
    }
}

/** The messages of a conversation. */
export class Thread {
    #list;
    #actions;
    /** @type {Conversation | undefined} */
    #conversation;
    /** @type {PlainView | MarkdownView | undefined} of the answer that is being written */
    #growing;
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
        this.#growing = undefined;
        cancelAnimationFrame(this.#frame);
        this.#frame = 0;
        this.#list.classList.toggle('story', conversation.mode === 'story');
        this.#list.replaceChildren(
            ...conversation.messages.map((message, i) => this.#item(message, i, isBusy)),
        );
        this.#scrollToEnd();
    }

    /** The last message has become longer. It is drawn once a frame at most. */
    grow() {
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            const isAtEnd = this.#isAtEnd();
            this.#growing?.show(this.#conversation?.messages.at(-1)?.text ?? '');
            if (isAtEnd) this.#scrollToEnd();
        });
    }

    /** @param {Message} message @param {number} i @param {boolean} isBusy */
    #item(message, i, isBusy) {
        const { mode, messages } = /** @type {Conversation} */ (this.#conversation);
        const isOwn = message.role === 'user';
        const isLast = i === messages.length - 1;
        const view = isOwn || mode === 'story' ? new PlainView() : new MarkdownView();
        view.show(message.text);
        if (isLast && isBusy) this.#growing = view;
        const item = element('li', { className: message.role });
        const name = mode === 'story' ? ['You began', 'The model went on'] : ['You', 'Model'];
        item.append(element('span', { className: 'who' }, name[isOwn ? 0 : 1]), view.element);
        if (!isBusy) item.append(this.#buttons(item, message, i, isLast));
        return item;
    }

    /** @param {HTMLElement} item @param {Message} message @param {number} i @param {boolean} isLast */
    #buttons(item, message, i, isLast) {
        const copy = button('Copy', async () => {
            await navigator.clipboard.writeText(message.text);
            copy.textContent = 'Copied';
        });
        const buttons = element('div', { className: 'actions' }, copy);
        if (message.role === 'user')
            buttons.append(button('Edit', () => this.#edit(item, message, i)));
        else if (isLast) {
            buttons.append(button('Regenerate', () => this.#actions.regenerate()));
            // a chat template begins a new answer each time
            if (this.#conversation?.mode === 'story')
                buttons.append(button('Go on', () => this.#actions.goOn()));
        }
        return buttons;
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
            if (event.key === 'Escape') cancel.click();
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
