// How the page's elements are made. Text stays text: nothing here reads markup.

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] of the element; what begins with aria- or data- are attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties))
        if (name.includes('-')) made.setAttribute(name, value);
        else Object.assign(made, { [name]: value });
    made.append(...children);
    return made;
}

/**
 * @param {string} label
 * @param {() => void} onClick
 * @param {Record<string, any>} [properties]
 * @returns {HTMLButtonElement}
 */
export function button(label, onClick, properties = {}) {
    const made = element('button', { type: 'button', ...properties }, label);
    made.addEventListener('click', onClick);
    return made;
}

/** What can have the focus in an item of a list, as long as its menu is closed. @param {HTMLElement} item */
const controlsOf = (item) => [
    .../** @type {NodeListOf<HTMLElement>} */ (item.querySelectorAll('button, summary')),
];

/**
 * Puts other items into a list. What has the focus there keeps it: the same control of the item with the same `data-key`.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} items
 * @param {HTMLElement} otherwise gets it when that item is gone
 */
export function replaceItems(list, items, otherwise) {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    const item = list.contains(focused) && focused.closest('li');
    const place = item ? controlsOf(item).indexOf(focused) : -1;
    list.replaceChildren(...items);
    if (!item) return;
    const same = items.find(({ dataset }) => dataset.key === item.dataset.key);
    (same ? controlsOf(same)[place] : otherwise).focus();
}

/**
 * What the page's own markup names.
 * @param {string} id
 * @returns {any}
 */
export const find = (id) => document.getElementById(id);
