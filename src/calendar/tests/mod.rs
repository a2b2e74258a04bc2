mod brute;
mod quartz;
mod rules;
mod shapes;
mod transitions;
