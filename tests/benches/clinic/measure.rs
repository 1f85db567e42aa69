//! Numbers side by side: ours, the floor taken in the same run, their ratio, and what was wanted.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

/// What was measured once or often, in one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How often.
    pub times: usize,
    /// Half of the values are at or below it.
    pub median: f64,
    /// Nearly all of the values are at or below it; the share is that of the line.
    pub tail: f64,
}

impl Sample {
    /// Of values in any order; `share` of them, from 0 to 1, lie at or below the tail.
    pub fn of(values: &[f64], share: f64) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
        };
        Self { times: sorted.len(), median: at(0.5), tail: at(share) }
    }
}

/// Milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What a line is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// It is shown, not judged.
    None,
    /// Ours at the tail, in the line's unit.
    TailAtMost(f64),
    /// Ours at the tail, and its ratio to the floor's tail.
    TailAndRatioAtMost(f64, f64),
    /// Ours at the median and at the tail, in the line's unit.
    BothAtMost(f64, f64),
    /// The tails' ratio.
    TailRatioAtMost(f64),
    /// The medians' ratio and the tails'.
    RatiosAtMost(f64),
    /// The medians' ratio.
    RatioAtMost(f64),
    /// The medians' ratio.
    RatioAtLeast(f64),
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// Unit of every number but the ratios.
    pub unit: &'static str,
    /// Name of the tail, such as p99.
    pub tail: &'static str,
    /// The program.
    pub ours: Sample,
    /// The least it could be.
    pub floor: Option<Sample>,
    /// What it is judged by.
    pub target: Target,
    /// Where the time goes, and the like.
    pub notes: Vec<String>,
}

impl Line {
    /// Ours over the floor, of the medians.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours.median / self.floor.as_ref()?.median)
    }

    /// Ours over the floor, of the tails.
    pub fn tail_ratio(&self) -> Option<f64> {
        Some(self.ours.tail / self.floor.as_ref()?.tail)
    }

    /// Whether the target is met; `None` when there is none.
    pub fn met(&self) -> Option<bool> {
        match self.target {
            Target::None => None,
            Target::TailAtMost(most) => Some(self.ours.tail <= most),
            Target::TailAndRatioAtMost(most, ratio) => {
                Some(self.ours.tail <= most && self.tail_ratio().is_none_or(|found| found <= ratio))
            }
            Target::BothAtMost(median, tail) => Some(self.ours.median <= median && self.ours.tail <= tail),
            Target::TailRatioAtMost(most) => Some(self.tail_ratio()? <= most),
            Target::RatiosAtMost(most) => Some(self.ratio()? <= most && self.tail_ratio()? <= most),
            Target::RatioAtMost(most) => Some(self.ratio()? <= most),
            Target::RatioAtLeast(least) => Some(self.ratio()? >= least),
        }
    }

    fn target(&self) -> String {
        match self.target {
            Target::None => String::new(),
            Target::TailAtMost(most) => format!("{} ≤ {most} {}", self.tail, self.unit),
            Target::TailAndRatioAtMost(most, ratio) => format!("{} ≤ {most} {}, ≤ {ratio} ×", self.tail, self.unit),
            Target::BothAtMost(median, tail) => format!("≤ {median}, {} ≤ {tail} {}", self.tail, self.unit),
            Target::TailRatioAtMost(most) => format!("{} ≤ {most} ×", self.tail),
            Target::RatiosAtMost(most) => format!("≤ {most} ×, {} ≤ {most} ×", self.tail),
            Target::RatioAtMost(most) => format!("≤ {most} ×"),
            Target::RatioAtLeast(least) => format!("≥ {least} ×"),
        }
    }

    /// For a program that reads it.
    pub fn json(&self) -> Value {
        let sample = |sample: &Sample| json!({"times": sample.times, "median": sample.median, self.tail: sample.tail});
        json!({
            "what": self.what,
            "unit": self.unit,
            "ours": sample(&self.ours),
            "floor": self.floor.as_ref().map(sample),
            "ratio": self.ratio(),
            "tail_ratio": self.tail_ratio(),
            "target": self.target(),
            "met": self.met(),
            "notes": self.notes,
        })
    }
}

/// The lines as a table for a terminal, with the notes below.
pub fn table(lines: &[Line]) -> String {
    let head = ["what", "unit", "ours", "floor", "ratio", "tail", "ours", "floor", "ratio", "target", "met"];
    let mut rows = vec![head.map(str::to_owned)];
    for line in lines {
        let floor = |number: fn(&Sample) -> f64| line.floor.as_ref().map(|floor| figure(number(floor)));
        let ratio = |ratio: Option<f64>| ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let tail = |text: Option<String>| if line.tail.is_empty() { None } else { text }.unwrap_or_default();
        rows.push([
            line.what.clone(),
            line.unit.to_owned(),
            figure(line.ours.median),
            floor(|sample| sample.median).unwrap_or_default(),
            ratio(line.ratio()),
            line.tail.to_owned(),
            tail(Some(figure(line.ours.tail))),
            tail(floor(|sample| sample.tail)),
            tail(Some(ratio(line.tail_ratio()))),
            line.target(),
            line.met().map(|met| if met { "yes" } else { "NO" }).unwrap_or_default().to_owned(),
        ]);
    }
    let widths: Vec<usize> =
        (0..head.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - cell.chars().count());
            let numeric = (2..=4).contains(&column) || (6..=8).contains(&column);
            let (before, after) = if numeric { (gap.as_str(), "") } else { ("", gap.as_str()) };
            let _ = write!(text, "{before}{cell}{after}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for line in lines {
        for note in &line.notes {
            let _ = writeln!(text, "{}: {note}", line.what);
        }
    }
    text
}

fn figure(number: f64) -> String {
    match number.abs() {
        large if large >= 1e3 => format!("{number:.0}"),
        middle if middle >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}
