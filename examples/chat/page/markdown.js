// What a model writes, as the page shows it: Markdown without HTML and without pictures. Nothing of it is ever fetched.
import { Marked } from './vendor/marked.js';
import DOMPurify from './vendor/purify.js';
import { button, element } from './elements.js';

const ALLOWED = {
    ALLOWED_TAGS: [
        ...['p', 'br', 'hr', 'strong', 'em', 'del', 'blockquote', 'pre', 'code', 'a'],
        ...['ul', 'ol', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'span'],
    ],
    ALLOWED_ATTR: ['href', 'start'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^https:/,
    RETURN_DOM_FRAGMENT: true,
};

/** What shows other text than there is: direction marks and letters without width. */
const HIDDEN = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/** @param {string} text */
const unhidden = (text) =>
    text.replace(HIDDEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]);

/** The address as the browser would read it; null for what is no plain https address. */
function addressOf(/** @type {string} */ href) {
    try {
        const { protocol, username, password, href: whole } = new URL(href);
        return protocol === 'https:' && !username && !password ? whole : null;
    } catch {
        return null;
    }
}

const marked = new Marked({
    gfm: true,
    // the address of a link stands where the link does: no block depends on those far from it
    tokenizer: { def: () => undefined },
    renderer: {
        html: ({ text }) => escaped(text),
        image: ({ raw }) => escaped(raw),
        link({ href, raw, text, tokens }) {
            const address = addressOf(href);
            if (address === null) return escaped(raw);
            // a link that shows its own address says it once
            const isBare = text === href || `https://${text}` === href;
            const shown = isBare ? '' : `${this.parser.parseInline(tokens)} `;
            return `${shown}<a href="${escaped(address)}">${escaped(address)}</a>`;
        },
        code: ({ text }) => `<pre><code>${escaped(unhidden(text))}</code></pre>`,
        codespan: ({ text }) => `<code>${escaped(unhidden(text))}</code>`,
        heading({ tokens }) {
            return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`;
        },
        checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
        tablecell({ tokens, header }) {
            const tag = header ? 'th' : 'td';
            return `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`;
        },
    },
});

/** The blocks of a text; one, as it is written, where some thousand quotes or lists in each other are too deep to be read. */
function blocksOf(/** @type {string} */ text) {
    try {
        return marked.lexer(text);
    } catch {
        return [{ type: 'code', raw: text, text }];
    }
}

/** A block of the text as elements. */
function blockOf(/** @type {any} */ token) {
    const fragment = DOMPurify.sanitize(marked.parser([token]), ALLOWED);
    for (const link of fragment.querySelectorAll('a'))
        Object.assign(link, { target: '_blank', rel: 'noopener noreferrer nofollow' });
    for (const block of fragment.querySelectorAll('pre')) block.after(copyButton(block));
    for (const table of fragment.querySelectorAll('table')) {
        const frame = element('div', {
            className: 'table',
            tabIndex: 0,
            role: 'region',
            'aria-label': 'Table',
        });
        table.replaceWith(frame);
        frame.append(table);
    }
    return element('div', {}, fragment);
}

/** @param {HTMLElement} block */
function copyButton(block) {
    block.tabIndex = 0; // it may be wider than the page, and is scrolled by keys
    const copy = button('Copy code', async () => {
        await navigator.clipboard.writeText(block.textContent ?? '');
        copy.textContent = 'Copied';
    });
    copy.className = 'copy';
    return copy;
}

/** So many of the last blocks may still become others when the text goes on: two lists become one, say. */
const OPEN_BLOCKS = 2;

/** The place in a list of blocks before which none can change any more. @param {any[]} tokens */
function firstOpen(tokens) {
    let open = 0;
    let i = tokens.length;
    while (i > 0 && open < OPEN_BLOCKS) if (tokens[--i].type !== 'space') open++;
    return i;
}

/** A text that grows. Only its last blocks are read again, and only those that have changed are made anew. */
export class MarkdownView {
    element = element('div', { className: 'markdown' });
    #text = '';
    /** @type {any[]} of the blocks that are shown */
    #tokens = [];

    /** @param {string} text the whole */
    show(text) {
        const whole = text.replace(/\r\n?/g, '\n'); // as marked reads it, so that places are the same
        if (whole === this.#text) return;
        const kept = whole.startsWith(this.#text) ? firstOpen(this.#tokens) : 0;
        const begin = this.#tokens.slice(0, kept).reduce((sum, { raw }) => sum + raw.length, 0);
        const tokens = [...this.#tokens.slice(0, kept), ...blocksOf(whole.slice(begin))];
        let same = kept;
        while (same < tokens.length && tokens[same].raw === this.#tokens[same]?.raw) same++;
        while (this.element.childElementCount > same) this.element.lastElementChild?.remove();
        this.element.append(...tokens.slice(same).map((token) => blockOf(token)));
        [this.#text, this.#tokens] = [whole, tokens];
    }
}
