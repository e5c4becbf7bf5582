//! What a command is given: its surroundings and the flags that every command understands.

use crate::cli::SettingsFlags;
use crate::client::Gateway;
use crate::failure::{Exit, Failure};
use crate::settings::{Flags, Loaded, Places, load};
use std::future::Future;

/// One call of the program.
pub(crate) struct Invocation<'a> {
    /// What is around it.
    pub(crate) places: &'a Places,
    /// The flags.
    pub(crate) flags: SettingsFlags,
}

impl Invocation<'_> {
    /// The settings in force.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn settings(&self) -> Result<Loaded, Failure> {
        self.settings_with(&self.flags.flags(false))
    }

    /// The settings in force under `flags`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn settings_with(&self, flags: &Flags) -> Result<Loaded, Failure> {
        Ok(load(self.places, flags)?)
    }

    /// The gateway that the settings lead to.
    ///
    /// # Errors
    /// The settings are wrong, or lead to no address (only the gateway itself knows which port it picked), or to a gateway with
    /// another data folder than they name.
    pub(crate) async fn gateway(&self) -> Result<Gateway, Failure> {
        let loaded = self.settings()?;
        let settings = loaded.settings();
        if settings.listen.port() == 0 {
            return Err(unknown_port().with_exit(Exit::WrongUse));
        }
        let gateway = Gateway::of(settings);
        refuse_another_folder(&gateway, &loaded).await?;
        Ok(gateway)
    }
}

/// # Errors
/// Another folder is meant than the one that `gateway` has.
pub(crate) async fn refuse_another_folder(gateway: &Gateway, loaded: &Loaded) -> Result<(), Failure> {
    let folder = &loaded.settings().data_dir;
    if loaded.means_its_folder() && gateway.is_of_another_folder(folder).await {
        return Err(Failure::new(
            format!("the gateway at {} does not have {}", gateway.address(), folder.display()),
            "it was started with another data folder, or this one was deleted or moved since",
            "leave out --data-dir or STILLROOM_DATA_DIR to ask that gateway, or name the address of the one that you mean, with --listen",
        ));
    }
    Ok(())
}

fn unknown_port() -> Failure {
    let why = "listen has port 0: the gateway picked a port when it started, and printed it";
    Failure::new(
        "it is not known where the gateway is",
        why,
        "name the address that it printed, with --listen",
    )
}

/// Runs `work` to its end on this thread.
pub(crate) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(work)
}
