//! Arguments of a command that are described to the parser only once that command was given.

use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use super::{Context, error::CommandError};

/// The arguments `A` of a command, described when they are needed. What the parent shows of the command (its first
/// line, its aliases) must stand at the variant that holds this.
#[derive(Debug)]
pub struct Deferred<A>(pub Box<A>);

impl<A> Deferred<A> {
    /// Runs the command. In a frame of its own: one with the arguments of all commands has dozens of pages, and each is
    /// touched.
    #[inline(never)]
    pub fn run(
        self,
        run: fn(A, &Context) -> Result<ExitCode, CommandError>,
        cx: &Context,
    ) -> Result<ExitCode, CommandError> {
        run(*self.0, cx)
    }
}

impl<A: Args> FromArgMatches for Deferred<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self(Box::new(A::from_arg_matches(matches)?)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<A: Args> Args for Deferred<A> {
    fn augment_args(command: Command) -> Command {
        command.defer(A::augment_args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(A::augment_args_for_update)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_list_of_commands_shows_what_each_says_of_itself() {
        let about = |command: &clap::Command| {
            command
                .get_subcommands()
                .filter(|c| c.get_name() != "help")
                .map(|c| {
                    (
                        c.get_name().to_owned(),
                        c.get_about().map(ToString::to_string),
                    )
                })
                .collect::<Vec<_>>()
        };
        let mut command = crate::cli::Cli::command();
        let listed = about(&command);
        command.build();
        assert!(listed.len() > 25, "{listed:?}");
        assert_eq!(listed, about(&command));
    }
}
