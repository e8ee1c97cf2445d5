//! What the demo's cameras see: a parcel that is brought to the front door, and a cat that crosses the garden. FFmpeg
//! paints them by its own filters, so the demo needs no file.
//!
//! What stands still is painted once and then repeated, for an expression for each dot is dear: so each camera costs a
//! few hundredths of a core. Some noise is laid over it, as every real camera has it.

/// The scenes begin anew after so many seconds, and with them the mails.
pub const CYCLE: u64 = 60;

/// A colour, as expressions of `X` and `Y` for red, green and blue.
type Paint<'a> = [&'a str; 3];

/// Where there is something (an expression of `X` and `Y` that is not 0 there), and its colour.
type Shape<'a> = (&'a str, Paint<'a>);

/// Somebody comes with a parcel from second 6 on, stands at the door from second 11 to 14, and is gone at second 20.
pub fn front_door() -> String {
    const SIZE: &str = "640x360";
    const RATE: u32 = 15;
    let lamp = "hypot(X-96,Y-84)";
    let yard: &[Shape<'_>] = &[
        (&format!("lt({lamp},11)"), ["255", "236", "170"]),
        ("lt(abs(X-96),4)*between(Y,84,300)", ["38", "40", "46"]),
        ("lt(Y,126-7*sin(X/17)*sin(X/5))", ["40+Y*1.1", "52+Y*0.75", "110+Y*0.35"]),
        ("lt(Y,172)", ["18+Y/12", "44+Y/8", "36+Y/14"]),
        ("lt(abs(X-440+(Y-172)*0.4),26+(Y-172)*0.42)", ["100+Y/9", "94+Y/9", "90+Y/10"]),
        ("1", ["30+Y/10", "70+Y/7", "40+Y/14"]),
    ];
    let light = [90, 70, 30].map(|strength| format!("{strength}*exp(-{lamp}/60)"));
    let yard = still(SIZE, RATE, yard, Some(light));
    let head = "lt(hypot(X-35,Y-24),18)";
    let visitor: &[Shape<'_>] = &[
        (&format!("{head}*lt(Y,18)"), ["190", "40", "36"]),
        (head, ["226", "180", "150"]),
        ("between(X,40,68)*between(Y,72,100)", ["186", "140", "84"]),
        ("lt(abs(X-35),26)*between(Y,44,120)", ["200", "52", "44"]),
        ("between(abs(X-35),3,20)*between(Y,120,178)", ["40", "44", "70"]),
    ];
    let visitor = still("70x180", RATE, visitor, None);
    let way = format!("-70+67*(clip(mod(t,{CYCLE})-6,0,5)+clip(mod(t,{CYCLE})-14,0,6))");
    let picture = crossing(&yard, &visitor, &way, 130);
    format!("lavfi:{picture}[out0];sine=r=16000:b=4[out1]")
}

/// A cat comes from the left at second 22 and has left at the right at second 32.
pub fn garden() -> String {
    const RATE: u32 = 10;
    let lawn: &[Shape<'_>] = &[
        ("lt(hypot(X-370,(Y-62)*1.2),62+5*sin(X/4)+5*sin(Y/5))", ["30+Y/5", "72+Y/5", "48"]),
        ("lt(abs(X-370),11)*between(Y,90,190)", ["80", "58", "48"]),
        ("lt(hypot(X-70,(Y-118)*1.3),38+3*sin(X/3))", ["36+Y/6", "92-Y/6", "50"]),
        ("lt(Y,70)", ["50+Y*1.5", "64+Y*1.1", "120+Y*0.6"]),
        ("lt(Y,112)*lt(mod(X,16),13)", ["124-Y/6", "100-Y/6", "86-Y/6"]),
        ("lt(Y,112)", ["66", "54", "48"]),
        ("1", ["44+Y/7", "96-Y/16", "50"]),
    ];
    let lawn = still("480x270", RATE, lawn, None);
    // Body, head, ears, tail and legs, and stripes on all but the head.
    let cat = "lt(hypot((X-38)/1.9,Y-26),13)+lt(hypot(X-66,Y-16),10)+between(X,57,62)*between(Y,0,14)\
               +between(X,70,75)*between(Y,0,14)+lt(abs(X-9-4*sin(Y/5)),3)*between(Y,2,28)\
               +between(mod(X-18,14),0,5)*between(X,18,64)*between(Y,30,47)";
    let striped = format!("({cat})*gt(sin(X/3),0.5)*lt(X,58)");
    let cat: &[Shape<'_>] = &[(&striped, ["176", "98", "40"]), (cat, ["224", "140", "62"])];
    let cat = still("80x48", RATE, cat, None);
    let way = format!("-80+56*clip(mod(t,{CYCLE})-22,0,10)");
    format!("lavfi:{}", crossing(&lawn, &cat, &way, 180))
}

/// One picture that stands still: of the shapes, the first that is there is seen; where none is, one sees through.
/// `light` is added to each colour.
fn still(size: &str, rate: u32, shapes: &[Shape<'_>], light: Option<[String; 3]>) -> String {
    let channel = |n: usize| {
        let colour = nested(shapes, |shape| shape.1[n], "0");
        light.as_ref().map_or(colour.clone(), |light| format!("min(255,{colour}+{})", light[n]))
    };
    let [r, g, b] = [0, 1, 2].map(channel);
    let a = nested(shapes, |_| "255", "0");
    format!(
        "color=s={size}:r={rate},trim=end_frame=1,format=rgba,geq=r='{r}':g='{g}':b='{b}':a='{a}',\
         loop=-1:1,setpts=N/{rate}/TB"
    )
}

fn nested<'a>(shapes: &[Shape<'a>], value: impl Fn(&Shape<'a>) -> &'a str, last: &str) -> String {
    let outer = |inner: String, shape: &Shape<'a>| format!("if({},{},{inner})", shape.0, value(shape));
    shapes.iter().rev().fold(last.to_owned(), outer)
}

/// A figure that goes over a ground on its `way`, which is its left edge by the time.
fn crossing(ground: &str, figure: &str, way: &str, top: u32) -> String {
    format!(
        "{ground},noise=alls=6:allf=t[ground];{figure}[figure];\
         [ground][figure]overlay=x='{way}':y={top},format=yuv420p"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{MAILS, Mail};
    use super::*;
    use std::process::Command;

    /// The picture at a second of the demo, 64x36 dots in RGB.
    fn seen(source: &str, second: u64) -> Vec<u8> {
        let graph = source.strip_prefix("lavfi:").expect("a source that FFmpeg makes");
        let after = format!("select='gte(t,{second})',scale=64:36");
        let output = Command::new("ffmpeg")
            .args(["-hide_banner", "-nostdin", "-v", "warning", "-f", "lavfi", "-i", graph, "-map", "0:v:0"])
            .args(["-vf", &after, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
            .output()
            .expect("FFmpeg");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.len(), 64 * 36 * 3);
        output.stdout
    }

    #[test]
    fn a_camera_mails_when_there_is_something_to_see() {
        for (name, source) in [("front-door", front_door()), ("garden", garden())] {
            let empty = seen(&source, 0);
            // Noise is far below a figure's colours.
            let differs =
                |second| seen(&source, second).iter().zip(&empty).filter(|(a, b)| a.abs_diff(**b) > 60).count();
            assert_eq!(differs(CYCLE - 1), 0, "{name}: the scene begins anew");
            for Mail { at, subject, .. } in MAILS.iter().filter(|mail| mail.camera == name) {
                assert!(differs(*at) > 15, "{name}: nothing is seen at second {at}, with {subject:?}");
            }
        }
    }

    #[test]
    fn a_scene_can_be_written_into_a_configuration() {
        for source in [front_door(), garden()] {
            assert!(!source.contains(['"', '\\', '$', '\n']), "{source}");
        }
    }
}
