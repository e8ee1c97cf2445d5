//! What the makers of cameras call things in their forms, what they are known for, and what their mails say.

use clap::ValueEnum;

/// A maker of cameras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Maker {
    /// Hikvision, and what is sold under other names: HiLook, Annke, LTS
    Hikvision,
    /// Dahua, and Lorex, Imou
    Dahua,
    /// Amcrest
    Amcrest,
    /// Reolink
    Reolink,
    /// Axis
    Axis,
    /// Foscam
    Foscam,
    /// Any other
    Generic,
}

/// What belongs into a field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The address of this machine.
    Server,
    /// The port.
    Port,
    /// What to choose so that nothing is encrypted.
    Plain(&'static str),
    /// What to choose or enter if a login is asked for, and if none is.
    Login(&'static str, &'static str),
    /// The user.
    User,
    /// The password.
    Password,
    /// An address that the mail comes from.
    From,
    /// The same where it is also what the camera logs in as.
    FromAndUser,
    /// The address that means the camera.
    To,
    /// This very word.
    Word(&'static str),
}

/// A form: where it is, its fields in order, where the event is switched on, and what the maker is known for.
#[derive(Debug)]
pub struct Form {
    /// The way through its menus.
    pub menu: &'static str,
    /// Name and value of each field.
    pub fields: &'static [(&'static str, Value)],
    /// The way to where motion is made to send a mail.
    pub event: &'static str,
    /// What is worth to know.
    pub notes: &'static [&'static str],
}

impl Maker {
    /// All of them.
    pub const ALL: [Maker; 7] =
        [Maker::Hikvision, Maker::Dahua, Maker::Amcrest, Maker::Reolink, Maker::Axis, Maker::Foscam, Maker::Generic];

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Maker::Hikvision => "Hikvision",
            Maker::Dahua => "Dahua",
            Maker::Amcrest => "Amcrest",
            Maker::Reolink => "Reolink",
            Maker::Axis => "Axis",
            Maker::Foscam => "Foscam",
            Maker::Generic => "any other",
        }
    }

    /// Its form for mail.
    pub fn form(self) -> &'static Form {
        match self {
            Maker::Hikvision => &HIKVISION,
            Maker::Dahua => &DAHUA,
            Maker::Amcrest => &AMCREST,
            Maker::Reolink => &REOLINK,
            Maker::Axis => &AXIS,
            Maker::Foscam => &FOSCAM,
            Maker::Generic => &GENERIC,
        }
    }

    /// Subject and text of its alarm mails.
    pub fn words(self, camera: &str) -> (String, String) {
        let (subject, text) = match self {
            Maker::Hikvision => (
                "Embedded Net DVR: Motion Detected On Channel A1",
                "This is an automatically generated e-mail from your IPC.\n\nEVENT TYPE: Motion Detected\nEVENT TIME: \
                 2026-01-01,12:00:00\nIPC NAME: {camera}\nCHANNEL NAME: {camera}\nCHANNEL NUMBER: A1\n",
            ),
            Maker::Dahua | Maker::Amcrest => (
                "Message from {camera}",
                "Alarm Event: Motion Detection\nAlarm Input Channel: 1\nAlarm Start Time(D/M/Y H:M:S): 01/01/2026 \
                 12:00:00\nAlarm Device Name: {camera}\nAlarm Name: \nIP Address: 192.168.1.108\nAlarm Details:\n",
            ),
            Maker::Reolink => (
                "[{camera}] Motion detected",
                "Alarm Camera Name: {camera}\nAlarm Event: Motion Detection\nAlarm Input Channel: 1\n",
            ),
            Maker::Axis => ("Motion detected by {camera}", "VMD 4: Any Profile\n"),
            Maker::Foscam => (
                "Motion detection alarm from {camera}",
                "Your camera {camera} has detected motion at 2026-01-01 12:00:00.\n",
            ),
            Maker::Generic => ("Motion detected", "Motion detected by {camera}.\n"),
        };
        (subject.replace("{camera}", camera), text.replace("{camera}", camera))
    }
}

const HIKVISION: Form = Form {
    menu: "Configuration > Network > Advanced Settings > Email",
    fields: &[
        ("Sender", Value::Word("anything")),
        ("Sender's Address", Value::From),
        ("SMTP Server", Value::Server),
        ("SMTP Port", Value::Port),
        ("E-mail Encryption", Value::Plain("None")),
        ("Attached Image", Value::Word("on")),
        ("Authentication", Value::Login("on", "off")),
        ("User Name", Value::User),
        ("Password, Confirm", Value::Password),
        ("Receiver's Address", Value::To),
    ],
    event: "Configuration > Event > Basic Event > Motion Detection > Linkage Method: Send Email",
    notes: &[
        "the Test button sends a mail, which is ignored by smtp.ignore: nvr mail shows that it came",
        "with Attached Image three pictures are sent, taken Interval seconds apart: 2 s is the shortest",
        "an arming schedule decides as well whether there are mails",
    ],
};

const DAHUA: Form = Form {
    menu: "Setting > Network > SMTP (Email)",
    fields: &[
        ("SMTP Server", Value::Server),
        ("Port", Value::Port),
        ("Anonymous", Value::Login("off", "on")),
        ("Username", Value::User),
        ("Password", Value::Password),
        ("Sender", Value::From),
        ("Encryption Type", Value::Plain("None")),
        ("Attachment", Value::Word("on")),
        ("Mail Receiver", Value::To),
        ("Interval", Value::Word("0 s")),
        ("Health Mail", Value::Word("off")),
    ],
    event: "Setting > Event > Video Detection > Motion Detection: Send Email",
    notes: &[
        "a second mail says that motion has stopped; it is ignored by smtp.ignore",
        "press + behind the receiver, and save before the Email Test",
    ],
};

const AMCREST: Form = Form {
    menu: "Setup > Network > SMTP (Email)",
    fields: &[
        ("SMTP Server", Value::Server),
        ("Port", Value::Port),
        ("Login Anonymously", Value::Login("off", "on")),
        ("Username", Value::User),
        ("Password", Value::Password),
        ("Sender", Value::From),
        ("Authentication", Value::Plain("None")),
        ("Attachment", Value::Word("on")),
        ("Recipients", Value::To),
        ("Interval", Value::Word("0 s")),
        ("Keep Alive", Value::Word("off")),
    ],
    event: "Setup > Event > Video Detection > Motion Detect: Send E-mail",
    notes: &["a second mail says that motion has stopped; it is ignored by smtp.ignore", "save before the Email Test"],
};

const REOLINK: Form = Form {
    menu: "Settings > Surveillance > Email > Email Settings, with SMTP Server: Other",
    fields: &[
        ("SMTP Server", Value::Server),
        ("SMTP Port", Value::Port),
        ("SSL/TLS", Value::Plain("off")),
        ("Sender Address", Value::FromAndUser),
        ("Password", Value::Password),
        ("Recipient 1", Value::To),
        ("Content, Attachment", Value::Word("Picture")),
    ],
    event: "Settings > Surveillance > Email: on, and its schedule: Motion, or Person, Vehicle",
    notes: &[
        "while motion goes on it mails every 30 s to 30 min (Interval): set the shortest, and trigger.post_roll longer",
        "its sender is also its user, and must look like an address; a form that wants a password takes any, unless \
         smtp.user is set",
        "Email Test sends a real mail",
    ],
};

const AXIS: Form = Form {
    menu: "System > Events > Recipients > Add a recipient, Type: Email",
    fields: &[
        ("Send email to", Value::To),
        ("Send email from", Value::From),
        ("Username", Value::User),
        ("Password", Value::Password),
        ("Email server (SMTP)", Value::Server),
        ("Port", Value::Port),
        ("Encryption", Value::Plain("None")),
        ("POP authentication", Value::Word("off")),
    ],
    event: "System > Events > Rules > Add a rule: Condition a motion alarm, Action \"Send images through email\"",
    notes: &[
        "\"Wait between actions\" keeps it from mailing on: set it shorter than trigger.post_roll",
        "Test in the recipient's form sends a mail",
    ],
};

const FOSCAM: Form = Form {
    menu: "Settings > Network > Mail Settings",
    fields: &[
        ("Enable", Value::Word("on")),
        ("SMTP Server", Value::Server),
        ("SMTP Port", Value::Port),
        ("Transport Layer Security", Value::Plain("None")),
        ("Need Authentication", Value::Login("Yes", "No")),
        ("SMTP Username", Value::User),
        ("SMTP Password", Value::Password),
        ("Sender E-mail", Value::From),
        ("First Receiver", Value::To),
    ],
    event: "Settings > Detector > Motion Detection > Action: Send E-mail, and its schedule",
    notes: &[
        "\"Trigger interval\" is the time between two mails: set the shortest",
        "an old one tests only what was saved before",
    ],
};

const GENERIC: Form = Form {
    menu: "the page for e-mail, SMTP or mail server",
    fields: &[
        ("SMTP server", Value::Server),
        ("port", Value::Port),
        ("encryption, SSL, TLS", Value::Plain("none")),
        ("authentication", Value::Login("LOGIN or PLAIN", "none")),
        ("user", Value::User),
        ("password", Value::Password),
        ("sender, from", Value::From),
        ("recipient, to", Value::To),
        ("attach a picture", Value::Word("on")),
    ],
    event: "the page for events or alarms: motion sends an e-mail",
    notes: &["watch it arrive: nvr mail --watch"],
};
