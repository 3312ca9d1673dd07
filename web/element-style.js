const css = `
:host {
    --accent: var(--trit-accent, light-dark(#1f6f5c, #7fd1b9));
    --accent-text: var(--trit-accent-text, light-dark(#fff, #10201b));
    --answer: var(--trit-answer, light-dark(#f3f3f3, #2a2a2d));
    --background: var(--trit-background, light-dark(#fff, #1b1b1d));
    --border: var(--trit-border, light-dark(#8a8a8a, #77777c));
    --error: var(--trit-error, light-dark(#a3140a, #ff9a8f));
    --muted: var(--trit-muted, light-dark(#555, #b5b5b9));
    --question: var(--trit-question, light-dark(#e8f1ee, #24352f));
    --radius: var(--trit-radius, 0.5rem);
    --text: var(--trit-text, light-dark(#1c1c1c, #ececec));
    display: block;
    height: 26rem;
    min-width: 0;
    color: var(--text);
    background: var(--background);
    border: 1px solid var(--border);
    border-radius: var(--radius);
    font: var(--trit-font, inherit);
    overflow: hidden;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; font: inherit; color: inherit; }
p { margin: 0; }
.frame { display: flex; flex-direction: column; gap: 0.5rem; height: 100%; padding: 0.6rem; }
.log { flex: 1; min-height: 3rem; overflow-y: auto; overflow-wrap: anywhere; white-space: pre-wrap; }
.turn { margin-block: 0.25rem; padding: 0.4rem 0.6rem; border-radius: var(--radius); }
.question { background: var(--question); margin-inline-start: 12%; }
.answer { background: var(--answer); margin-inline-end: 12%; }
.story { background: var(--answer); }
.begun { font-weight: bold; }
.offer { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; }
.note, .status { color: var(--muted); font-size: 0.875em; overflow-wrap: anywhere; }
.status:empty, .error:empty, .note:empty { display: none; }
.error { color: var(--error); overflow-wrap: anywhere; }
progress { flex: 1 1 8rem; min-width: 4rem; accent-color: var(--accent); }
.composer { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; justify-content: end; }
textarea {
    flex: 1 1 10rem;
    min-width: 0;
    padding: 0.4rem;
    resize: none;
    background: transparent;
    border: 1px solid var(--border);
    border-radius: var(--radius);
}
textarea::placeholder { color: var(--muted); opacity: 1; }
button {
    padding: 0.4rem 0.8rem;
    cursor: pointer;
    background: transparent;
    border: 1px solid var(--accent);
    border-radius: var(--radius);
}
button.first {
    color: var(--accent-text);
    background: var(--accent);
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

/** Of each document its own, as one document takes no other's. @type {WeakMap<Document, CSSStyleSheet>} */
const sheets = new WeakMap();

/**
 * Made by script and not as markup, which a page's policy may forbid.
 * @param {Document} document
 */
export function sheetFor(document) {
    const found = sheets.get(document);
    if (found) return found;
    const { CSSStyleSheet: Sheet } = document.defaultView ?? globalThis;
    const sheet = new Sheet();
    sheet.replaceSync(css);
    sheets.set(document, sheet);
    return sheet;
}
