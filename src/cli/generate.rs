//! `nvr generate`: the man page and completions, for those who make packages. All of it comes from the same words as
//! the help, so that none can be out of date.

use super::Cli;
use crate::link::protocol::VERSION;
use clap::{Command, CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use color_eyre::eyre::{Result, eyre};
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// What can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// nvr.1
    Man,
    /// For /usr/share/bash-completion/completions/nvr
    Bash,
    /// For /usr/share/zsh/site-functions/_nvr
    Zsh,
    /// For /usr/share/fish/vendor_completions.d/nvr.fish
    Fish,
    /// For rc.elv
    Elvish,
    /// For a profile
    Powershell,
}

/// Ends the man page.
const REST: &str = r".SH EXIT STATUS
.TP
0
It was done; for \fBstatus\fR and \fBcheck\fR: all is well.
.TP
1
It was not done, or not all is well; a sentence says why and what to do.
.TP
2
The command line cannot be understood.
.SH ENVIRONMENT
.TP
NVR_SOCKET
The recorder's socket, if \fB\-\-socket\fR does not name it.
.TP
NVR_LOG
What \fBnvr record\fR logs, as a filter such as \fIinfo\fR or \fInvr=debug\fR.
.TP
NO_COLOR
If it is set, the monitor uses no colours.
";

/// Writes it to standard output.
pub fn generate(what: What) -> Result<ExitCode> {
    let text = match what {
        What::Man => man()?,
        What::Bash => completions(Shell::Bash),
        What::Zsh => completions(Shell::Zsh),
        What::Fish => completions(Shell::Fish),
        What::Elvish => completions(Shell::Elvish),
        What::Powershell => completions(Shell::PowerShell),
    };
    match std::io::stdout().lock().write_all(&text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(eyre!("it cannot be written: {error} (is the disk full?)"))
        }
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut shown(&Cli::command()), "nvr", &mut text);
    text
}

/// A command without what is hidden: generators offer that too.
fn shown(command: &Command) -> Command {
    let name: &'static str = command.get_name().to_owned().leak(); // clap wants it to live as long as the process
    let about = command.get_about().cloned().unwrap_or_default();
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(shown);
    let shown = Command::new(name).about(about).args(args).subcommands(verbs).disable_help_subcommand(true);
    if command.get_version().is_some() { shown.version(VERSION) } else { shown }
}

/// One page for all verbs: nobody looks for `nvr-clips(1)`.
fn man() -> Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let verbs: Vec<_> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().map(alone).collect();
    let page = Man::new(command);
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    text.extend_from_slice(b".SH NAME\nnvr \\- a network video recorder for headless boxes\n");
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    text.extend_from_slice(b".SH VERBS\n");
    for verb in verbs {
        text.extend_from_slice(section(verb)?.as_bytes());
    }
    text.extend_from_slice(REST.as_bytes());
    Ok(text)
}

/// A verb with what only it understands: the rest stands in the page once.
fn alone(verb: Command) -> Command {
    let others: Vec<_> = verb.get_arguments().filter(|arg| arg.is_global_set() || arg.get_id() == "help").collect();
    let others: Vec<_> = others.into_iter().map(|arg| arg.get_id().clone()).collect();
    others.into_iter().fold(verb, |verb, other| verb.mut_arg(other, |arg| arg.hide(true)))
}

/// A verb within the page.
fn section(verb: Command) -> Result<String> {
    let (name, any) = (verb.get_name().to_owned(), verb.get_arguments().any(|arg| !arg.is_hide_set()));
    let page = Man::new(verb);
    let mut parts = vec![Vec::new(); 3];
    page.render_synopsis_section(&mut parts[0])?;
    page.render_description_section(&mut parts[1])?;
    if any {
        page.render_options_section(&mut parts[2])?;
    }
    let mut text = format!(".SS {name}\n");
    for part in parts {
        // Headings belong to the page, and its first lines say how quotes are written.
        let foreign = |line: &&str| line.starts_with(".SH") || line.starts_with(".ie ") || line.starts_with(".el ");
        let part = String::from_utf8(part)?;
        let lines: Vec<_> = part.lines().filter(|line| !foreign(line)).collect();
        if !lines.is_empty() {
            text.push_str(&format!("{}\n.PP\n", lines.join("\n")));
        }
    }
    Ok(text)
}
