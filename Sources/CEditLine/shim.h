// The line editor of the terminal. Its globals, which Swift cannot see as safe, are behind
// functions: one thread at a time edits lines.
#ifndef OPTIMYSTIC_CEDITLINE_SHIM_H
#define OPTIMYSTIC_CEDITLINE_SHIM_H

#include <locale.h>
#include <stdio.h>
#include <editline/readline.h>

typedef char **edit_completer(const char *text, int start, int end);
typedef int edit_reader(FILE *);

/// Says who knows what could stand at the cursor.
static inline void edit_set_completer(edit_completer *completer) {
    rl_attempted_completion_function = completer;
}

/// Called by a completer: what it returns is all there is, also when it is nothing.
static inline void edit_leave_files(void) { rl_attempted_completion_over = 1; }

/// Says who reads the next character. Before anything else.
static inline void edit_set_reader(edit_reader *reader) { rl_getc_function = reader; }

/// Leaves signals alone: the editor would pass Ctrl-C on to the whole process group.
static inline void edit_leave_signals(void) { rl_catch_signals = 0; }

/// The line as far as it is written.
static inline const char *edit_line(void) { return rl_line_buffer; }

#endif
