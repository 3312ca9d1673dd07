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

/**
 * What the page's own markup names.
 * @param {string} id
 * @returns {any}
 */
export const find = (id) => document.getElementById(id);
