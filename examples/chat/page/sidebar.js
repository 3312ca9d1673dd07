import { asked, confirmed } from './asking.js';
import { holds, titleOf } from './conversations.js';
import { button, element, find, replaceItems } from './elements.js';
import { download, fileName, readConversations, toJson, toMarkdown } from './exchange.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */

/**
 * @typedef {object} Choices
 * @property {(conversation: Conversation) => void} open
 * @property {(conversation: Conversation, title: string) => Promise<void>} rename
 * @property {(conversation: Conversation) => Promise<void>} remove
 * @property {(found: Awaited<ReturnType<typeof readConversations>>) => Promise<void>} take of a file
 * @property {(sentence: string) => void} tell
 */

/** The list of conversations. */
export class Sidebar {
    #list = find('conversations');
    #search = find('search');
    #empty = find('no-conversations');
    #choices;
    /** @type {Conversation[]} */
    #all = [];
    /** @type {string | undefined} */
    #current;

    /** @param {Choices} choices */
    constructor(choices) {
        this.#choices = choices;
        this.#search.addEventListener('input', () => this.#draw());
        find('export-all').addEventListener('click', () =>
            download('conversations.json', 'application/json', toJson(this.#all)),
        );
        const file = find('import-file');
        find('import').addEventListener('click', () => file.click());
        file.addEventListener('change', async () => {
            try {
                for (const each of file.files) await choices.take(await readConversations(each));
            } catch (error) {
                choices.tell(/** @type {Error} */ (error).message);
            }
            file.value = '';
        });
    }

    /** @param {Conversation[]} all @param {string} [current] id of the one that is open */
    show(all, current) {
        [this.#all, this.#current] = [all, current];
        this.#draw();
    }

    #draw() {
        const found = this.#all.filter((each) => holds(each, this.#search.value));
        replaceItems(
            this.#list,
            found.map((each) => this.#item(each)),
            this.#search,
        );
        this.#empty.hidden = found.length > 0;
        this.#empty.textContent = this.#search.value ? 'Nothing found' : 'None yet';
        find('export-all').disabled = this.#all.length === 0;
    }

    /** @param {Conversation} conversation */
    #item(conversation) {
        const title = titleOf(conversation);
        const open = button(title, () => this.#choices.open(conversation), {
            className: 'title',
            title,
        });
        if (conversation.id === this.#current) open.setAttribute('aria-current', 'true');
        return element(
            'li',
            { 'data-key': conversation.id },
            open,
            this.#menu(conversation, title),
        );
    }

    /** @param {Conversation} conversation @param {string} title */
    #menu(conversation, title) {
        const menu = element('details', { className: 'menu', name: 'conversation-menu' });
        const summary = element('summary', { 'aria-label': `More for “${title}”` }, '⋯');
        const close = () => {
            menu.open = false;
            summary.focus();
        };
        const item = (/** @type {string} */ label, /** @type {() => any} */ act) =>
            button(label, () => {
                close();
                void act();
            });
        menu.addEventListener('toggle', () => {
            if (menu.open) menu.lastElementChild.scrollIntoView({ block: 'nearest' });
        });
        menu.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
            if (event.key !== 'Escape' || !menu.open) return;
            event.stopPropagation(); // an answer that is being written goes on
            close();
        });
        menu.append(
            summary,
            element(
                'div',
                {},
                item('Rename', async () => {
                    const name = await asked('Rename the conversation', title);
                    if (name !== null) await this.#choices.rename(conversation, name);
                }),
                item('Export as Markdown', () =>
                    download(fileName(title, 'md'), 'text/markdown', toMarkdown(conversation)),
                ),
                item('Export as JSON', () =>
                    download(fileName(title, 'json'), 'application/json', toJson([conversation])),
                ),
                item('Delete', async () => {
                    const sure = await confirmed(`Delete “${title}”?`, 'Delete');
                    if (sure) await this.#choices.remove(conversation);
                }),
            ),
        );
        return menu;
    }
}
