"""What each check says and what to do about it, in English; pages translate, the command line prints it as it is."""

from collections.abc import Mapping

from intake.records import WHY_NO_STAMP


def N_(message: str) -> str:
    """Mark words for the catalogues where they are written down before their language is known."""
    return message


NAMES = {
    "seal": N_("Seal"),
    "log": N_("Key of the log"),
    "vault": N_("Key of the vault"),
    "seal_certificate": N_("Certificate of the seal"),
    "root": N_("Certificate of the root"),
    "root_list": N_("List of revoked certificates"),
    "doctor": N_("Certificate of a doctor"),
    "unfiled": N_("Records not sealed yet"),
    "checkpoint": N_("Checkpoint of the log"),
    "time_stamps": N_("Time stamps of records"),
    "log_stamp": N_("Time stamp of the log"),
    "backup": N_("Backup"),
    "disk": N_("Disk"),
    "migrations": N_("Database"),
    "drawing": N_("Drawing of records"),
    "worker": N_("Worker"),
}
LEVELS = {"good": N_("In order"), "soon": N_("See to it soon"), "now": N_("See to it now")}

# What is found, and what to do; the second is empty where nothing is to be done.
WORDS: dict[str, tuple[str, str]] = {
    "seal.good": (N_("Its key signs, and its certificate fits."), ""),
    "log.good": (N_("It signs, and it is the one that signed before."), ""),
    "vault.good": (N_("It opens what was sealed with it."), ""),
    "seal.own.good": (N_("The certificate is good for %(days)s more days."), ""),
    "seal.own.soon": (
        N_("The certificate ends in %(days)s days."),
        N_("Renew it with “intake keys renew-seal”; 30 days before its end the program does it by itself."),
    ),
    "seal.own.now": (
        N_("The certificate ends in %(days)s days and was not renewed."),
        N_("Renew it with “intake keys renew-seal” and read what it says."),
    ),
    "seal.own.over": (
        N_("The certificate has ended. Records wait."),
        N_("Renew it with “intake keys renew-seal”."),
    ),
    "seal.own_without_root_key.good": (N_("The certificate is good for %(days)s more days."), ""),
    "seal.own_without_root_key.soon": (
        N_("The certificate ends in %(days)s days, and the root's key, which renews it, is kept elsewhere."),
        N_("Put root.key back from its stick, then renew the seal with “intake keys renew-seal”."),
    ),
    "seal.own_without_root_key.now": (
        N_("The certificate ends in %(days)s days, and the root's key, which renews it, is kept elsewhere."),
        N_("Put root.key back from its stick today, then renew the seal with “intake keys renew-seal”."),
    ),
    "seal.own_without_root_key.over": (
        N_("The certificate has ended. Records wait."),
        N_("Put root.key back from its stick, then renew the seal with “intake keys renew-seal”."),
    ),
    "seal.outside.good": (N_("The certificate, which another authority gave, is good for %(days)s more days."), ""),
    "seal.outside.soon": (
        N_("The certificate, which another authority gave, ends in %(days)s days."),
        N_("Ask that authority for a new one and put it in its place."),
    ),
    "seal.outside.now": (
        N_("The certificate, which another authority gave, ends in %(days)s days."),
        N_("Ask that authority for a new one at once: when it ends, records wait."),
    ),
    "seal.outside.over": (
        N_("The certificate, which another authority gave, has ended. Records wait."),
        N_("Put a new one in its place, or take the table [seal] out of the settings for the clinic's own seal."),
    ),
    "root.good": (N_("Good for %(days)s more days."), ""),
    "root.soon": (
        N_("It ends in %(days)s days; certificates it gives now end no later."),
        N_("Plan a new root: docs/install.md, “To replace the root”."),
    ),
    "root.now": (
        N_("It ends in %(days)s days."),
        N_("Make a new root now: docs/install.md, “To replace the root”."),
    ),
    "root.over": (
        N_("It has ended: no doctor's certificate and no seal can be made."),
        N_("Make a new root: docs/install.md, “To replace the root”."),
    ),
    "root_list.renewed": (N_("It is made anew by itself when a record is stamped."), ""),
    "root_list.good": (N_("Good for %(days)s more days; the root's key, which renews it, is kept elsewhere."), ""),
    "root_list.soon": (
        N_("It ends in %(days)s days, and the root's key, which renews it, is kept elsewhere."),
        N_("Put root.key back from its stick until a record is stamped; without the list none can be."),
    ),
    "root_list.over": (
        N_("It has ended, and the root's key, which renews it, is kept elsewhere. No record is stamped."),
        N_("Put root.key back from its stick until a record is stamped."),
    ),
    "root_list.none": (
        N_("It cannot be read, and the root's key, which makes it, is kept elsewhere. No record is stamped."),
        N_("Put root.key back from its stick until a record is stamped."),
    ),
    "doctor.good": (N_("%(doctor)s: good for %(days)s more days; renewed at a signature from 60 days before."), ""),
    "doctor.over": (N_("%(doctor)s: ended; renewed when this doctor next signs."), ""),
    "doctor.without_root_key.good": (N_("%(doctor)s: good for %(days)s more days."), ""),
    "doctor.without_root_key.soon": (
        N_("%(doctor)s: ends in %(days)s days, and the root's key, which renews it, is kept elsewhere."),
        N_("Put root.key back from its stick; this doctor's next record waits for it."),
    ),
    "doctor.without_root_key.over": (
        N_("%(doctor)s: ended, and the root's key, which renews it, is kept elsewhere."),
        N_("Put root.key back from its stick; this doctor's records wait for it."),
    ),
    "unfiled.none": (N_("None. Every decided visit has its record."), ""),
    "unfiled.waiting": (
        N_("%(count)s, the oldest for %(minutes)s minutes."),
        N_("They are made by themselves; look again. If the number does not fall, see that the worker runs."),
    ),
    "unfiled.failed": (
        N_("%(count)s, the oldest for %(minutes)s minutes. Last reason: %(error)s."),
        N_("Nothing is lost: they are sealed once the reason is mended."),
    ),
    "checkpoint.all": (N_("Every entry of the log is signed."), ""),
    "checkpoint.good": (N_("Signed %(minutes)s minutes ago; entries since then: %(newer)s."), ""),
    "checkpoint.none": (
        N_("There is none yet; entries in the log: %(newer)s."),
        N_("The worker signs one when it starts. If there is none in an hour, see that it runs."),
    ),
    "checkpoint.behind": (
        N_("Signed %(minutes)s minutes ago; entries that are not signed since then: %(newer)s."),
        N_("See that the worker runs, then run “intake fsck”, which says what keeps it from signing."),
    ),
    "time_stamps.no_service": (N_("No time service is set: the time of records is the clinic's clock."), ""),
    "time_stamps.none": (N_("None is missing."), ""),
    "time_stamps.waiting": (
        N_("%(count)s wait for theirs, the oldest for %(minutes)s minutes."),
        N_("They are asked for by themselves; look again. If the number does not fall, see that the worker runs."),
    ),
    "time_stamps.failed": (
        N_("%(count)s wait for theirs, the oldest for %(minutes)s minutes. Last reason: %(error)s."),
        N_("The records are sealed and filed all the same. See that the time service answers, or ask whoever runs it."),
    ),
    "time_stamps.no_root_key": (
        N_(
            "%(count)s wait for theirs, the oldest for %(minutes)s minutes: the root's list of revoked certificates "
            "has ended, and the root's key, which renews it, is kept elsewhere."
        ),
        N_("Put root.key back from its stick until this number falls: they are asked for again once an hour."),
    ),
    **{code: (why, "") for code, why in WHY_NO_STAMP.items()},
    "log_stamp.good": (N_("Stamped %(hours)s hours ago."), ""),
    "log_stamp.none": (
        N_("A time service has not stamped the log yet."),
        N_("The worker asks for it once an hour. If it stays away, see that the time service answers."),
    ),
    "log_stamp.late": (
        N_("Stamped %(hours)s hours ago; it should be every day."),
        N_("See that the worker runs and the time service answers."),
    ),
    "backup.good": (N_("The last copy was whole, %(minutes)s minutes ago."), ""),
    "backup.soon": (
        N_("The last copy is %(minutes)s minutes old."),
        N_("See that the backup's disk is there and the timer runs: “systemctl list-timers intake-backup”."),
    ),
    "backup.now": (
        N_("The last copy is %(minutes)s minutes old. What was written since is on this computer alone."),
        N_("See that the backup's disk is there and the timer runs: “systemctl status intake-backup”."),
    ),
    "backup.unknown": (
        N_("No copy is known of."),
        N_("Set up the backup (docs/install.md, “The backup”). With a backup of your own, look at that one."),
    ),
    "disk.good": (N_("%(gigabytes)s GB are free."), ""),
    "disk.soon": (N_("%(gigabytes)s GB are free."), N_("Make room, or put in a larger disk.")),
    "disk.now": (
        N_("%(gigabytes)s GB are free: nothing more can be kept soon."),
        N_("Make room today: old backups and other people's files first, never the clinic's data folder."),
    ),
    "migrations.good": (N_("Its tables are those of this version of the program."), ""),
    "migrations.other": (
        N_("Its tables are of another version (%(present)s) than the program (%(wanted)s)."),
        N_("Restart the service, which brings them up to date; if that fails, put back the program before it."),
    ),
    "drawing.good": (N_("Typefaces and libraries are there."), ""),
    "drawing.missing": (
        N_("Missing on this computer: %(missing)s. No record can be made."),
        N_("Install them (docs/install.md, “The program”). What waits is made by itself then."),
    ),
    "worker.good": (N_("It runs; it tried the keys %(minutes)s minutes ago."), ""),
    "worker.now": (N_("Nothing was heard of it for %(minutes)s minutes."), N_("Restart the service.")),
    "worker.never": (
        N_("It has not run yet on these data."),
        N_("Start the service with “intake serve”, which starts it, or “intake worker”."),
    ),
    # What can be wrong with a key.
    "seal.file_missing": (
        N_("A file of the seal is not there."),
        N_("Put it back from the stick, or correct its path in the settings."),
    ),
    "seal.open_to_others": (
        N_("A file of the seal, or its password's, may be read by others."),
        N_("Give it to the user intake with mode 0400. If others could read it for long, replace the key."),
    ),
    "seal.unreadable": (N_("A file of the seal cannot be read."), N_("Put it back from the stick.")),
    "seal.wrong_password": (
        N_("The password does not open the file of the seal, or that is no PKCS #12 file."),
        N_("Correct the password's file, or put the right file there."),
    ),
    "seal.kind_of_key": (
        N_("The seal's key is of another kind than records take: EC P-256, or RSA of 2,048 bits or more."),
        N_("Ask the authority for a certificate with such a key."),
    ),
    "seal.not_for_signing": (
        N_("The seal's certificate does not say that it is for signing documents (content commitment)."),
        N_("Ask the authority for a certificate for sealing documents."),
    ),
    "seal.key_differs": (
        N_("The seal's key is not the one of its certificate."),
        N_("Put key and certificate back that belong together."),
    ),
    "seal.chain_incomplete": (
        N_("The seal's certificate does not lead to a root."),
        N_("Write the certificates between it and its root, and the root, into the file that “chain” names."),
    ),
    "seal.no_certificate": (
        N_("There is no certificate for the seal's key that can be read."),
        N_("Put it on the token under the key's name, or first into the file that “chain” names."),
    ),
    "seal.not_in_force": (
        N_("The seal's certificate does not cover today, or the computer's clock is wrong."),
        N_("Look at the clock; then renew the certificate."),
    ),
    "seal.no_root_key": (
        N_("The root's key is not there; it is needed to give a certificate."),
        N_("Put root.key back from its stick for as long as it is needed."),
    ),
    "seal.root_not_in_force": (
        N_("The root's certificate does not cover today, or the computer's clock is wrong."),
        N_("Look at the clock; then make a new root: docs/install.md, “To replace the root”."),
    ),
    "seal.renewed_too_early": (
        N_("The seal's certificate is good for more than 90 days: there is nothing to renew."),
        "",
    ),
    "seal.not_ours_to_renew": (
        N_("The seal's certificate was given by another authority, which alone can renew it."),
        N_("Put the new file in the old one's place and restart the service."),
    ),
    "seal.statement_not_signed": (
        N_("A statement waits for the seal's signature."),
        N_("It is made by itself once the seal is in order."),
    ),
    "seal.statement_not_ours": (
        N_("A statement carries a signature that no seal of this clinic made."),
        N_("Run “intake fsck” and compare with a backup."),
    ),
    "seal.token_software_missing": (
        N_("The program that speaks to tokens is not installed."),
        N_("Install the extra “pkcs11” (docs/install.md, “A key of another authority”)."),
    ),
    "seal.module_missing": (
        N_("The token's module is not there."),
        N_("Install its maker's software, or correct “pkcs11_module” in the settings."),
    ),
    "seal.token_missing": (
        N_("The token is not there, or there are several of its name."),
        N_("Plug it in. Records wait and are sealed then."),
    ),
    "seal.token_key_missing": (
        N_("The token has no private key of that name, or several."),
        N_("Correct “key” in the settings, or plug in the right token."),
    ),
    "seal.token_failed": (
        N_("The token does not answer."),
        N_("See that it is plugged in. Records wait and are sealed then."),
    ),
    "seal.wrong_pin": (
        N_("The token refuses the PIN."),
        N_("Correct the PIN's file before it is tried again: most tokens lock after a few wrong ones."),
    ),
    "seal.pin_locked": (
        N_("The token is locked after wrong PINs."),
        N_("Unlock it with its maker's software and correct the PIN's file."),
    ),
    "log.key_missing": (
        N_("log.key is not there: the log goes on, but no checkpoint of it is signed."),
        N_("Put it back from the stick and restart the service."),
    ),
    "log.key_unusable": (
        N_("log.key cannot be read, or may be read by others: no checkpoint of the log is signed."),
        N_("Put it back from the stick, for the user intake alone (mode 0400), and restart the service."),
    ),
    "log.other_key": (
        N_("log.key is not the one that signed before: no checkpoint of the log is signed."),
        N_("Put the right one back from the stick and restart the service."),
    ),
    "audit.bad_signature": (
        N_("The newest checkpoint of the log was changed after it was signed."),
        N_("Run “intake fsck”; keep the computer as it is until somebody has looked."),
    ),
    "vault.other_key": (
        N_("vault.key is not the one that this clinic's data were sealed with: nothing can be opened."),
        N_("Stop the service, put the right key back from the stick, start it again."),
    ),
    "vault.broken": (N_("vault.key does not open what it sealed."), N_("Put it back from the stick.")),
}
UNKNOWN = (N_("Something is out of order: %(code)s."), N_("Look into the service's log for this code."))


def words_of(code: str) -> tuple[str, str]:
    """What is found under this code and what to do, with gaps for the facts."""
    return WORDS.get(code, UNKNOWN)


def filled(words: str, facts: Mapping[str, str | int], code: str) -> str:
    """The words with the facts in their gaps."""
    return words % {**facts, "code": code}


def sentence_of(code: str) -> str:
    """What is wrong with a key and what to do about it, in English, for the console."""
    return " ".join(filled(part, {}, code) for part in words_of(code) if part)
