import { button, element } from './elements.js';

/**
 * @param {string} question
 * @param {string} yes
 * @param {HTMLInputElement} [input]
 * @returns {Promise<boolean>}
 */
function show(question, yes, input) {
    const agree = element('button', { value: 'yes', className: 'main' }, yes);
    const buttons = element('div', { className: 'buttons' }, agree);
    const form = element('form', { method: 'dialog' }, ...(input ? [input] : []), buttons);
    const title = element('h2', {}, question);
    const dialog = element('dialog', { 'aria-label': question }, title, form);
    buttons.append(button('Cancel', () => dialog.close()));
    document.body.append(dialog);
    dialog.showModal();
    input?.select();
    return new Promise((resolve) =>
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'yes');
        }),
    );
}

/** @param {string} question @param {string} yes what the button says that does it */
export const confirmed = (question, yes) => show(question, yes);

/**
 * @param {string} question
 * @param {string} text that is there
 * @returns {Promise<string | null>}
 */
export async function asked(question, text) {
    const input = element('input', { value: text, 'aria-label': question });
    return (await show(question, 'Save', input)) ? input.value.trim() : null;
}
