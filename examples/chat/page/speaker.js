import { Trit, TritError } from './trit/index.js';
import { samplingOf } from './settings.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */
/** @typedef {import('./trit/index.js').Source} Source */

/** A story ends by itself; what does not, ends here. */
const STORY_TOKENS = 300;

/** The model that is loaded, and what it says. */
export class Speaker {
    /** @type {import('./trit/index.js').Model | undefined} */
    #model;
    /** @type {AbortController | undefined} */
    #loading;
    /** @type {AbortController | undefined} */
    #saying;

    #chats = true;

    /** What the person calls it. */
    name = '';

    /** @type {Source | undefined} where it comes from */
    source;

    get isLoading() {
        return this.#loading !== undefined;
    }

    get info() {
        return this.#model?.info;
    }

    /**
     * What it can do, best first: a model without a chat template, or one that never learned to chat, only goes on with
     * texts.
     * @returns {('story' | 'chat')[]}
     */
    get modes() {
        if (!this.#model) return [];
        return this.#model.info.template && this.#chats ? ['chat', 'story'] : ['story'];
    }

    /**
     * Takes another model; the one before is closed when something of this one has come.
     * @param {import('./models.js').Choice} choice
     * @param {(progress: import('./trit/index.js').Progress) => void} onProgress
     */
    async load({ name, source, isStoryteller }, onProgress) {
        this.pauseLoading();
        const loading = new AbortController();
        this.#loading = loading;
        this.stop();
        const before = this.#model;
        /** Two models at once may be more than this device has memory for; but a source that gives nothing costs no model. */
        const dropBefore = () => {
            before?.close();
            if (this.#model === before) this.#model = undefined;
        };
        const options = {
            share: typeof source === 'string',
            signal: loading.signal,
            onProgress: (/** @type {import('./trit/index.js').Progress} */ progress) => {
                if (progress.phase !== 'wait') dropBefore();
                onProgress(progress);
            },
        };
        try {
            const model = await Trit.load(source, options);
            dropBefore();
            if (loading.signal.aborted) {
                model.close();
                throw new TritError('ABORTED', 'loading was stopped');
            }
            this.#model = model;
            this.name = name;
            this.source = source;
            this.#chats = !isStoryteller;
        } finally {
            if (this.#loading === loading) this.#loading = undefined;
        }
    }

    close() {
        this.pauseLoading();
        this.#model?.close();
        this.#model = undefined;
    }

    /** What has come is kept, and loading it again goes on there. */
    pauseLoading() {
        this.#loading?.abort();
    }

    /**
     * Writes on at the last message, which is the model's.
     * @param {Conversation} conversation
     * @param {() => void} onText
     * @returns {Promise<import('./trit/index.js').GenerateResult>}
     */
    async answer(conversation, onText) {
        if (!this.#model) throw new Error('There is no model yet: choose one under “Models”.');
        this.#saying = new AbortController();
        const { signal } = this.#saying;
        const answer = /** @type {any} */ (conversation.messages.at(-1));
        const advice = this.#model.info.card?.sampling;
        const options = { ...samplingOf(conversation.settings, advice), signal };
        if (conversation.mode === 'story') options.maxTokens ??= STORY_TOKENS;
        const stream = this.#model.generate(promptOf(conversation), options);
        try {
            for await (const piece of stream) {
                answer.text += piece;
                onText();
            }
            return await stream.result;
        } finally {
            this.#saying = undefined;
        }
    }

    stop() {
        this.#saying?.abort();
    }

    /** Tokens of the conversation, and how many there is room for. @param {Conversation} conversation */
    async measure(conversation) {
        if (!this.#model || conversation.messages.length === 0) return null;
        const used = await this.#model.countTokens(promptOf(conversation));
        return { used, room: this.#model.info.contextLength };
    }
}

/**
 * What the model is given: a story as one text, of which only the last tale counts; else all that was said.
 * @param {Conversation} conversation
 */
function promptOf({ mode, settings, messages }) {
    if (mode === 'story') {
        const begin = messages.findLastIndex(({ role }) => role === 'user');
        return messages
            .slice(begin)
            .map(({ text }) => text)
            .join('');
    }
    const said = messages.filter(({ text }, i) => text !== '' || i < messages.length - 1);
    const turns = said.map(({ role, text }) => ({ role, content: text }));
    const system = settings.system.trim();
    return {
        messages: system
            ? [{ role: /** @type {const} */ ('system'), content: system }, ...turns]
            : turns,
    };
}
